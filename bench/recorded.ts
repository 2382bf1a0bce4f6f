/**
 * What real Ganeti 3.0.2 (Debian 12) took on another machine of 2 cores, on a virtual cluster of three nodes with
 * the fake hypervisor: what Gantry was asked to beat. Used for the ratio where real Ganeti can't run here;
 * such a ratio compares two machines.
 */
export const recordedFigures: Readonly<Record<string, number>> = {
  'add, in a row': 1.33,
  'add, 29 at once': 0.9,
  startup: 1,
  shutdown: 1,
  reboot: 1,
  'migrate (sharedfile)': 1.5,
  'list of all': 0.27,
  info: 0.8,
  'empty master': 177,
  'master with instances': 280,
  'another node': 61,
  'each running job': 59,
};
