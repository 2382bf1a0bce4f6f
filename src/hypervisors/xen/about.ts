/** Xen, para-virtualised (xen-pvm) and with hardware virtualisation (xen-hvm). */
import { isIPv4 } from 'node:net';
import type { ParameterFamily } from '../../model/params/family.ts';
import {
  between,
  cpuMask,
  migrationModeParameter,
  migrationPort,
  nonNegative,
  onNodeFile,
  rebootBehaviour,
} from '../checks.ts';
import type { HypervisorAbout } from '../contract.ts';

/** The toolstack's own settings may be missing; the bridge script may not. */
const ancillaryFiles = ['/etc/xen/xen/xl.conf', '/etc/xen/scripts/vif-bridge'];

const both = {
  cpu_mask: cpuMask,
  cpuid: {
    type: 'string',
    default: '',
    doc: 'Changes to what the CPUID instruction answers, as xl.cfg has it.',
  },
  migration_port: migrationPort(8002),
  reboot_behavior: rebootBehaviour,
  soundhw: { type: 'string', default: '', doc: 'Emulated sound cards.' },
  vif_script: { type: 'string', default: '', ...onNodeFile, doc: 'Script that connects network interfaces.' },
} as const satisfies ParameterFamily;

const pvmParameters = {
  ...both,
  blockdev_prefix: { type: 'string', default: 'sd', doc: 'Prefix of disk names in the guest.' },
  bootloader_args: { type: 'string', default: '', doc: 'Arguments of the boot loader.' },
  bootloader_path: { type: 'string', default: '', ...onNodeFile, doc: 'Boot loader such as pygrub.' },
  cpu_cap: {
    type: 'int',
    default: 0,
    check: nonNegative,
    doc: 'Most processor time in percent; 0 is no limit.',
  },
  cpu_weight: {
    type: 'int',
    default: 256,
    check: between(1, 65535, 'invalid weight'),
    doc: 'Share of processor time relative to the others.',
  },
  initrd_path: { type: 'string', default: '', title: 'Initrd_path', ...onNodeFile, doc: 'Initial RAM disk.' },
  kernel_args: { type: 'string', default: 'ro', doc: 'Arguments of the kernel.' },
  kernel_path: {
    type: 'string',
    default: '/boot/vmlinuz-3-xenU',
    title: 'Kernel_path',
    required: true,
    ...onNodeFile,
    doc: 'Kernel to start.',
  },
  migration_mode: migrationModeParameter('live'),
  root_path: { type: 'maybe-string', default: '/dev/xvda1', doc: 'Root device as the guest names it.' },
  use_bootloader: {
    type: 'bool',
    default: false,
    doc: "Start with the boot loader instead of the node's kernel.",
  },
} as const satisfies ParameterFamily;

const hvmParameters = {
  ...both,
  acpi: { type: 'bool', default: true, title: 'ACPI', doc: 'ACPI for the guest.' },
  blockdev_prefix: { type: 'string', default: 'hd', doc: 'Prefix of disk names in the guest.' },
  boot_order: {
    type: 'string',
    default: 'cd',
    title: 'Boot_order',
    required: true,
    check: (value) =>
      /^[acdn]+$/.test(String(value))
        ? undefined
        : 'Invalid boot order specified, must be one or more of [acdn]',
    doc: 'Letters in order: a floppy, c disk, d CD-ROM, n network.',
  },
  cdrom_image_path: {
    type: 'string',
    default: '',
    title: 'CDROM_image_path',
    ...onNodeFile,
    doc: 'Image in the CD-ROM drive.',
  },
  cpu_cap: { type: 'int', default: 0, doc: 'Most processor time in percent; 0 is no limit.' },
  cpu_weight: {
    type: 'int',
    default: 256,
    check: between(1, 65534, 'invalid weight'),
    doc: 'Share of processor time relative to the others.',
  },
  device_model: {
    type: 'string',
    default: '/usr/lib/xen/bin/qemu-dm',
    required: true,
    ...onNodeFile,
    doc: 'Program that emulates devices.',
  },
  disk_type: {
    type: 'string',
    default: 'paravirtual',
    title: 'Disk_type',
    required: true,
    choices: ['ioemu', 'paravirtual'],
    doc: 'How disks look to the guest.',
  },
  kernel_path: {
    type: 'string',
    default: '/usr/lib/xen/boot/hvmloader',
    title: 'Kernel_path',
    required: true,
    ...onNodeFile,
    doc: 'The loader that starts the guest.',
  },
  migration_mode: migrationModeParameter('non-live'),
  nic_type: {
    type: 'string',
    default: 'rtl8139',
    title: 'NIC_type',
    required: true,
    choices: ['ne2k_isa', 'ne2k_pci', 'paravirtual', 'rtl8139', 'e1000'],
    doc: 'How network cards look to the guest.',
  },
  pae: { type: 'bool', default: true, title: 'PAE', doc: 'Physical address extension for the guest.' },
  pci_pass: {
    type: 'string',
    default: '',
    title: 'pci_pass',
    doc: 'PCI devices handed to the guest, joined by ";".',
  },
  use_localtime: { type: 'bool', default: false, doc: 'The clock shows local time instead of UTC.' },
  vif_type: {
    type: 'string',
    default: 'ioemu',
    choices: ['ioemu', 'vif'],
    doc: 'Type of network interfaces.',
  },
  viridian: { type: 'bool', default: false, doc: 'Hyper-V interfaces for Windows guests.' },
  vnc_bind_address: {
    type: 'string',
    default: '0.0.0.0',
    title: 'VNC_bind_address',
    check: (value) => (isIPv4(String(value)) ? undefined : 'VNC bind address is not a valid IP address'),
    doc: 'Address on which VNC listens.',
  },
  vnc_password_file: {
    type: 'string',
    default: '/etc/ganeti/vnc-cluster-password',
    required: true,
    ...onNodeFile,
    doc: 'File with the VNC password.',
  },
} as const satisfies ParameterFamily;

/** Xen's numbering lets a guest move to the same version, and one up in the second number. */
function movesBetween(source: string, target: string): boolean {
  const [[major, minor], [newMajor, newMinor]] = [source, target].map((version) =>
    version.split('.').map(Number),
  ) as [number[], number[]];
  if (minor === undefined || newMinor === undefined) return source === target;
  return major === newMajor && (newMinor === minor || newMinor === minor + 1);
}

export const pvmAbout: HypervisorAbout = {
  name: 'xen-pvm',
  params: pvmParameters,
  migration: true,
  hotplug: false,
  needsPort: false,
  guestDiskPrefix: () => '/dev/xvd',
  ballooning: true,
  movesBetween,
  ancillaryFiles,
  optionalAncillaryFiles: ['/etc/xen/xen/xl.conf'],
};

export const hvmAbout: HypervisorAbout = {
  name: 'xen-hvm',
  params: hvmParameters,
  migration: true,
  hotplug: false,
  needsPort: true,
  guestDiskPrefix: () => '/dev/xvd',
  ballooning: true,
  movesBetween,
  ancillaryFiles: [...ancillaryFiles, '/etc/ganeti/vnc-cluster-password'],
  optionalAncillaryFiles: ['/etc/xen/xen/xl.conf', '/etc/ganeti/vnc-cluster-password'],
};
