/** chroot: an instance is a folder on its first disk with a script that starts and stops it. */
import { isNormalAbsolutePath } from '../checks.ts';
import type { HypervisorAbout } from '../contract.ts';

export const about: HypervisorAbout = {
  name: 'chroot',
  params: {
    init_script: {
      type: 'string',
      default: '/ganeti-chroot',
      required: true,
      check: (value) => (isNormalAbsolutePath(value) ? undefined : 'must be an absolute normalized path'),
      doc: 'Script inside the instance that is called with start, stop or status.',
    },
  },
  migration: false,
  hotplug: false,
  needsPort: false,
  ballooning: false,
  ancillaryFiles: [],
};
