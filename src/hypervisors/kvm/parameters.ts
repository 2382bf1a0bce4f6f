/** Every parameter of KVM: one entry gives type, default, check, help and title. */
import type { ParameterDefinition, ParameterFamily } from '../../model/params/family.ts';
import {
  between,
  cpuMask,
  migrationModeParameter,
  migrationPort,
  nonNegative,
  onNodeDirectory,
  onNodeFile,
  onNodeFileOrUrl,
  rebootBehaviour,
} from '../checks.ts';

/** PCI slots of the machine's bus. */
export const pciSlots = 32;
const mostQueues = 32;

const diskTypes = [
  'ide',
  'mtd',
  'paravirtual',
  'pflash',
  'scsi',
  'scsi-block',
  'scsi-cd',
  'scsi-generic',
  'scsi-hd',
  'sd',
];
const lossyCompression = ['auto', 'never', 'always'];

function text(doc: string): ParameterDefinition {
  return { type: 'string', default: '', doc };
}

function flag(byDefault: boolean, doc: string): ParameterDefinition {
  return { type: 'bool', default: byDefault, doc };
}

function choice(byDefault: string, choices: readonly string[], doc: string): ParameterDefinition {
  return { type: 'string', default: byDefault, choices, doc };
}

function count(doc: string): ParameterDefinition {
  return { type: 'int', default: 0, check: nonNegative, doc };
}

const machine: ParameterFamily = {
  acpi: { ...flag(true, 'ACPI, which a guest needs to shut down when asked.'), title: 'ACPI' },
  cpu_cores: count('Cores of each socket; 0 leaves it to QEMU.'),
  cpu_mask: cpuMask,
  cpu_sockets: count('Sockets; 0 leaves it to QEMU.'),
  cpu_threads: count('Threads of each core; 0 leaves it to QEMU.'),
  cpu_type: { ...text('Processor that the guest sees, with features joined by commas.'), title: 'cpu_type' },
  keymap: text('Keyboard layout, for VNC.'),
  kvm_extra: text('Further arguments for QEMU, joined by spaces.'),
  kvm_flag: choice('', ['enabled', 'disabled'], 'Hardware virtualisation; unset uses it where it works.'),
  kvm_path: {
    type: 'string',
    default: '/usr/bin/kvm',
    required: true,
    ...onNodeFile,
    doc: 'The QEMU program.',
  },
  kvm_pci_reservations: {
    type: 'int',
    default: 12,
    check: between(0, pciSlots, `The number of PCI slots managed by QEMU (max: ${pciSlots})`),
    doc: "PCI slots left to QEMU's own devices; disks and NICs come after them.",
  },
  machine_version: text('Machine type such as pc-i440fx-7.2; unset takes the default of QEMU.'),
  mem_path: { ...text('Mount point of hugetlbfs for the memory.'), ...onNodeDirectory },
  reboot_behavior: rebootBehaviour,
  soundhw: text('Emulated sound cards, joined by commas.'),
  usb_devices: text('USB devices, joined by spaces.'),
  usb_mouse: choice('', ['mouse', 'tablet'], 'USB pointer; a tablet suits VNC.'),
  use_guest_agent: flag(false, 'A channel for the QEMU guest agent.'),
  use_localtime: flag(false, 'The clock shows local time instead of UTC.'),
  user_shutdown: flag(false, 'A shutdown from inside counts as wished.'),
};

const starting: ParameterFamily = {
  boot_order: {
    ...choice('disk', ['cdrom', 'disk', 'floppy', 'network'], 'Device to start from, without a kernel.'),
    title: 'Boot_order',
    required: true,
  },
  cdrom_image_path: {
    ...text('Image in the first CD-ROM drive: file or URL.'),
    title: 'CDROM_image_path',
    ...onNodeFileOrUrl,
  },
  cdrom2_image_path: { ...text('Image in the second CD-ROM drive: file or URL.'), ...onNodeFileOrUrl },
  cdrom_disk_type: choice('', diskTypes, 'How CD-ROM drives look to the guest; unset follows disk_type.'),
  floppy_image_path: { ...text('Image in the floppy drive.'), ...onNodeFile },
  initrd_path: { ...text('Initial RAM disk for kernel_path.'), title: 'Initrd_path', ...onNodeFile },
  kernel_args: { type: 'string', default: 'ro', doc: 'Arguments of the kernel.' },
  kernel_path: {
    type: 'string',
    default: '/boot/vmlinuz-3-kvmU',
    title: 'Kernel_path',
    ...onNodeFile,
    doc: "Kernel of the node to start; unset starts the guest's own boot loader.",
  },
  root_path: {
    type: 'maybe-string',
    default: '/dev/vda1',
    doc: 'Root device as the guest names it, for kernel_path.',
  },
  serial_console: flag(true, 'A serial port as console.'),
  serial_speed: { type: 'int', default: 38400, doc: 'Its speed in baud.' },
};

const devices: ParameterFamily = {
  disk_aio: choice('threads', ['threads', 'native', 'io_uring'], 'How QEMU reads and writes disks.'),
  disk_cache: {
    ...choice('default', ['default', 'none', 'writeback', 'writethrough'], 'Cache of the host for disks.'),
    required: true,
  },
  disk_discard: choice('ignore', ['ignore', 'unmap'], 'What happens to blocks that the guest discards.'),
  disk_type: {
    ...choice('paravirtual', diskTypes, 'How disks look to the guest.'),
    title: 'Disk_type',
    required: true,
  },
  nic_type: {
    ...choice(
      'paravirtual',
      ['ne2k_isa', 'ne2k_pci', 'paravirtual', 'rtl8139', 'pcnet', 'i82559er', 'e1000', 'i82557b', 'i82551'],
      'How network cards look to the guest.',
    ),
    title: 'NIC_type',
    required: true,
  },
  scsi_controller_type: {
    ...choice('lsi', ['lsi', 'megasas', 'virtio-scsi-pci', 'dc390'], 'SCSI controller for scsi disk types.'),
    required: true,
  },
  vhost_net: flag(true, 'Packets of paravirtual cards go through the kernel, not through QEMU.'),
  virtio_net_queues: {
    type: 'int',
    default: 1,
    check: between(1, mostQueues, 'invalid number of queues'),
    doc: 'Queues of each paravirtual card.',
  },
  vnet_hdr: flag(true, 'Offloading on tap devices of paravirtual cards.'),
};

const moving: ParameterFamily = {
  migration_bandwidth: {
    type: 'int',
    default: 32,
    required: true,
    global: true,
    check: nonNegative,
    doc: 'Most MiB a second that a migration sends.',
  },
  migration_caps: text('Migration capabilities of QEMU, joined by ":".'),
  migration_downtime: {
    type: 'int',
    default: 30,
    required: true,
    check: nonNegative,
    doc: 'Milliseconds that the guest may stand still at the end of a migration.',
  },
  migration_mode: migrationModeParameter('live'),
  migration_port: migrationPort(8102),
};

const isolation: ParameterFamily = {
  security_domain: text('User that QEMU runs as, with security model "user".'),
  security_model: {
    ...choice(
      'none',
      ['none', 'user', 'pool'],
      "Whose rights QEMU has: root, one user, or one of the cluster's pool.",
    ),
    required: true,
  },
  use_chroot: flag(false, 'QEMU runs in an empty folder of its own.'),
};

const screen: ParameterFamily = {
  vga: text('Graphics card, as QEMU names it.'),
  vnc_bind_address: {
    ...text('Where VNC listens: address, interface or folder for a socket.'),
    title: 'VNC_bind_address',
  },
  vnc_password_file: { ...text('File with the VNC password.'), ...onNodeFile },
  vnc_tls: flag(false, 'VNC with TLS.'),
  vnc_x509_path: { ...text('Folder with certificate and key for VNC.'), ...onNodeDirectory },
  vnc_x509_verify: flag(false, 'VNC clients must show a certificate.'),
  spice_bind: text('Where SPICE listens: address or interface.'),
  spice_image_compression: choice(
    '',
    ['auto_glz', 'auto_lz', 'quic', 'glz', 'lz', 'off'],
    'Lossless compression of images.',
  ),
  spice_ip_version: {
    type: 'int',
    default: 0,
    check: (value) =>
      [0, 4, 6].includes(Number(value)) ? undefined : 'The SPICE IP version should be 4 or 6',
    doc: 'Which address of the interface SPICE takes: 4, 6, or 0 for the family of the cluster.',
  },
  spice_jpeg_wan_compression: choice('', lossyCompression, 'JPEG compression over slow links.'),
  spice_password_file: { ...text('File with the SPICE password.'), ...onNodeFile },
  spice_playback_compression: flag(true, 'Sound is compressed.'),
  spice_streaming_video: choice('', ['off', 'all', 'filter'], 'Which areas count as video.'),
  spice_tls_ciphers: {
    type: 'string',
    default: 'HIGH:-DES:-3DES:-EXPORT:-DH',
    doc: 'Ciphers of SPICE with TLS.',
  },
  spice_use_tls: flag(false, 'SPICE with TLS only.'),
  spice_use_vdagent: flag(true, 'Pointer and clipboard through the agent in the guest.'),
  spice_zlib_glz_wan_compression: choice('', lossyCompression, 'Zlib compression over slow links.'),
};

const groups = { ...machine, ...starting, ...devices, ...moving, ...isolation, ...screen };

/** By name, in alphabetical order. */
export const parameters: ParameterFamily = Object.fromEntries(
  Object.entries(groups).sort(([a], [b]) => (a < b ? -1 : 1)),
);
