/** LXC containers. */
import { nonNegative, singleCpuMask } from '../checks.ts';
import type { HypervisorAbout } from '../contract.ts';

const devices = [
  'c 1:3 rw',
  'c 1:5 rw',
  'c 1:7 rw',
  'c 1:8 rw',
  'c 1:9 rw',
  'c 1:10 rw',
  'c 5:0 rw',
  'c 5:1 rw',
  'c 5:2 rw',
  'c 136:* rw',
];

export const about: HypervisorAbout = {
  name: 'lxc',
  params: {
    cpu_mask: {
      type: 'string',
      default: '',
      check: singleCpuMask,
      doc: 'Host processors to run on, such as "0-2,5".',
    },
    devices: {
      type: 'string',
      default: devices.join(','),
      doc: 'Devices that the container may use, as rules of the devices cgroup.',
    },
    drop_capabilities: {
      type: 'string',
      default: 'mac_override,sys_boot,sys_module,sys_time,sys_admin',
      doc: 'Capabilities taken from the container.',
    },
    extra_cgroups: { type: 'string', default: '', doc: 'Further cgroup subsystems that must be mounted.' },
    extra_config: {
      type: 'string',
      default: '',
      doc: 'Further lines of the configuration, joined by commas.',
    },
    num_ttys: {
      type: 'int',
      default: 6,
      required: true,
      check: nonNegative,
      doc: 'Terminals made for the container.',
    },
    startup_timeout: {
      type: 'int',
      default: 30,
      check: nonNegative,
      doc: 'Seconds until the container must be running.',
    },
  },
  migration: false,
  hotplug: false,
  needsPort: false,
  ballooning: true,
  ancillaryFiles: [],
};
