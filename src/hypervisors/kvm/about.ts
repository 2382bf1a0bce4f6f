/** KVM: guests are QEMU processes, with hardware virtualisation where the machine has it. */
import type { HypervisorAbout } from '../contract.ts';
import { advice } from './advice.ts';
import { crossCheck } from './cross-check.ts';
import { parameters } from './parameters.ts';

export const about: HypervisorAbout = {
  name: 'kvm',
  params: parameters,
  migration: true,
  hotplug: true,
  needsPort: true,
  ballooning: true,
  // The machine version keeps what the guest sees alike.
  movesBetween: () => true,
  userspaceDisks: true,
  guestDiskPrefix: ({ disk_type }) => (disk_type === 'paravirtual' ? '/dev/vd' : '/dev/sd'),
  crossCheck,
  ancillaryFiles: ['/etc/ganeti/kvm-vif-bridge'],
  optionalAncillaryFiles: ['/etc/ganeti/kvm-vif-bridge'],
  assess: advice,
};
