/** The fake hypervisor: guests are files, for clusters on machines that run no guests. */
import { migrationModeParameter } from '../checks.ts';
import type { HypervisorAbout } from '../contract.ts';

export const about: HypervisorAbout = {
  name: 'fake',
  params: { migration_mode: migrationModeParameter('live') },
  migration: true,
  hotplug: false,
  needsPort: false,
  // A test stands in for the guest.
  guestDiskPrefix: () => '/dev/vd',
  ballooning: true,
  ancillaryFiles: [],
};
