import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pathsFor } from '../../../kit/paths.ts';
import type { Parameters } from '../../../model/objects/common.ts';
import type { Guest, GuestNic } from '../../contract.ts';
import { guestFor } from '../../guest.fixture.ts';
import { parameterFault } from '../../parameters.ts';
import { about } from '../about.ts';
import { guestFiles } from '../host/layout.ts';
import type { QemuFacts, QemuVersion } from '../qemu/programs.ts';
import {
  type LocalInput,
  localArguments,
  migrationUri,
  portableCommand,
  usbDevices,
} from './command-line.ts';
import { Slots } from './devices.ts';
import { runtimeDisk, runtimeNic } from './runtime.ts';

const paths = pathsFor({});
const qemu = (version: QemuVersion = [7, 2, 22]): QemuFacts => ({
  version,
  machines: ['pc-i440fx-7.2'],
  defaultMachine: 'pc-i440fx-7.2',
  deviceDrivers: new Set(['virtio-blk-pci', 'virtio-net-pci', 'ide-hd', 'scsi-hd', 'e1000']),
  spice: true,
});
const display = {
  instance: 'inst1.example.com',
  networkPort: 11000,
  interfaces: { lo: { 4: ['127.0.0.1'], 6: ['::1'] } },
  spiceCertificate: paths.spiceCertificate,
  spiceCaCertificate: paths.spiceCaCertificate,
};

function withParameters(changes: Parameters, more: Partial<Guest> = {}): Guest {
  const guest = guestFor(about, more);
  return { ...guest, hvparams: { ...guest.hvparams, ...changes } };
}

function portable(guest: Guest, version?: QemuVersion): string[] {
  const files = guestFiles(paths, guest.name);
  const place = { ...display, instance: guest.name, networkPort: guest.networkPort };
  return portableCommand({ guest, files, qemu: qemu(version), display: place, paused: false }).map(String);
}

function local(guest: Guest, changes: Partial<LocalInput> = {}, version?: QemuVersion): string[] {
  const slots = new Slots(guest.hvparams);
  const disks = guest.disks.map((disk, index) => {
    const link = `${paths.instanceDisksDir}/${guest.name}:${index}`;
    const entry = runtimeDisk(disk, index, link, slots.place('disk', disk.uuid, guest.hvparams));
    const id = `disk-${disk.uuid.split('-').slice(0, 3).join('-')}`;
    const { uri } = entry;
    const source = { id, path: link, uri, isFile: false, readOnly: disk.mode === 'ro', seenElsewhere: false };
    return { device: entry.disk, source };
  });
  const nics = guest.nics.map((nic, index) => ({
    device: runtimeNic(nic, slots.place('nic', nic.uuid, guest.hvparams)),
    tap: `tap${index}`,
  }));
  return localArguments({
    files: guestFiles(paths, guest.name),
    qemu: qemu(version),
    hvparams: guest.hvparams,
    settings: guest.hvparams,
    command: ['/usr/bin/kvm', '-machine', 'pc'],
    nics,
    disks,
    incoming: null,
    accelerator: 'tcg',
    vhost: true,
    user: null,
    chroot: null,
    ...changes,
  }).map(String);
}

const disk = (uuid: string, mode: 'rw' | 'ro' = 'rw') =>
  ({ uuid, name: null, path: '/x', mode, template: 'plain', sizeMiB: 1024 }) as const;
const nic = (uuid: string, mac: string, name: string | null = null): GuestNic => ({
  ...{ uuid, mac, name, ip: null, mode: 'bridged', link: 'br0', vlan: '', network: null },
});
const after = (words: readonly string[], option: string) => words[words.indexOf(option) + 1];

/** What real Ganeti 3.0 started QEMU with on the nodes of a lab. */
describe('the command line of a real cluster', () => {
  it('is the same for a guest with kernel, serial console, one disk and one NIC', () => {
    const guest = withParameters(
      {
        kernel_path: '/root/vmlinuz',
        initrd_path: '/root/initrd.gz',
        kernel_args: 'console=ttyS0',
        vhost_net: false,
      },
      {
        name: 'inst2.lab.example',
        uuid: 'b9cfca4e-5e01-497f-83d1-e82aecf6cc50',
        beparams: { maxmem: 96, minmem: 96, vcpus: 1 },
        disks: [disk('2b19695d-f3ae-42e6-8e34-000000000000')],
        nics: [nic('cd08418b-b790-488a-8b2b-000000000000', 'aa:00:00:75:5a:06')],
      },
    );
    const run = '/var/run/ganeti/kvm-hypervisor';
    assert.deepEqual(portable(guest), [
      '/usr/bin/kvm',
      ...['-name', 'inst2.lab.example,debug-threads=on', '-m', '96', '-smp', '1'],
      ...['-pidfile', `${run}/pid/inst2.lab.example`, '-device', 'virtio-balloon', '-daemonize'],
      ...['-D', '/var/log/ganeti/kvm/inst2.lab.example.log', '-machine', 'pc-i440fx-7.2'],
      ...['-kernel', '/root/vmlinuz', '-initrd', '/root/initrd.gz'],
      ...['-append', 'root=/dev/vda1 console=ttyS0 console=ttyS0,38400'],
      ...['-monitor', `unix:${run}/ctrl/inst2.lab.example.monitor,server,nowait`],
      ...['-serial', `unix:${run}/ctrl/inst2.lab.example.serial,server,nowait`],
      ...['-usb', '-display', 'none', '-uuid', 'b9cfca4e-5e01-497f-83d1-e82aecf6cc50'],
    ]);
    const id = 'nic-cd08418b-b790-488a';
    const drive = 'disk-2b19695d-f3ae-42e6';
    assert.deepEqual(local(guest), [
      ...['-netdev', `type=tap,id=${id},ifname=tap0,script=no,downscript=no`],
      ...['-device', `virtio-net-pci,id=${id},bus=pci.0,addr=0xd,netdev=${id},mac=aa:00:00:75:5a:06`],
      ...['-qmp', `unix:${run}/ctrl/inst2.lab.example.qmp,server,nowait`],
      ...['-qmp', `unix:${run}/ctrl/inst2.lab.example.kvmd,server,nowait`],
      ...['-device', `virtio-blk-pci,id=${drive},bus=pci.0,addr=0xc,drive=${drive},write-cache=on`],
      '-blockdev',
      `driver=raw,node-name=${drive},discard=ignore,cache.direct=off,cache.no-flush=off,` +
        'file.driver=host_device,file.filename=/var/run/ganeti/instance-disks/inst2.lab.example:0,' +
        'file.aio=threads,auto-read-only=off',
      ...['-S', '-accel', 'tcg'],
    ]);
  });

  it('is the same for a guest with VNC, two e1000 cards and direct I/O', () => {
    const guest = withParameters(
      {
        kernel_path: '',
        vnc_bind_address: '127.0.0.1',
        boot_order: 'network',
        disk_cache: 'none',
        disk_aio: 'native',
        nic_type: 'e1000',
        cpu_type: 'qemu64',
        use_localtime: true,
        serial_console: false,
      },
      {
        name: 'inst110.gnt.test',
        beparams: { maxmem: 256, minmem: 256, vcpus: 2 },
        disks: [disk('4780de92-ee26-4158-9a4a-000000000000')],
        nics: [
          nic('1ac2db29-3dd8-492b-8833-000000000000', 'aa:00:01:5f:38:4a'),
          nic('5ce32cff-cbf1-4256-9e4a-000000000000', 'aa:00:01:e7:15:97', 'extra'),
        ],
      },
    );
    const words = portable(guest);
    assert.deepEqual(words.slice(words.indexOf('-machine')), [
      ...['-machine', 'pc-i440fx-7.2', '-monitor'],
      'unix:/var/run/ganeti/kvm-hypervisor/ctrl/inst110.gnt.test.monitor,server,nowait',
      ...['-serial', 'none', '-usb', '-usbdevice', 'tablet', '-vnc', '127.0.0.1:5100'],
      ...['-rtc', 'base=localtime', '-cpu', 'qemu64', '-uuid', guest.uuid],
    ]);
    const here = local(guest);
    assert.ok(
      here.includes(
        'e1000,id=nic-1ac2db29-3dd8-492b,bus=pci.0,addr=0xd,netdev=nic-1ac2db29-3dd8-492b,mac=aa:00:01:5f:38:4a,bootindex=1',
      ),
    );
    assert.ok(
      here.includes(
        'e1000,id=nic-5ce32cff-cbf1-4256,bus=pci.0,addr=0xe,netdev=nic-5ce32cff-cbf1-4256,mac=aa:00:01:e7:15:97',
      ),
    );
    assert.match(after(here, '-blockdev')!, /cache\.direct=on,cache\.no-flush=off.*file\.aio=native/);
  });
});

/** One line a parameter: what is set, and what must stand in the command line because of it. */
const effects: readonly [changes: Parameters, option: string, value: string][] = [
  [{ acpi: false }, '-no-acpi', '-machine'],
  [{ cpu_cores: 2, cpu_threads: 3, cpu_sockets: 4 }, '-smp', '2,cores=2,threads=3,sockets=4'],
  [{ cpu_type: 'host,+vmx' }, '-cpu', 'host,+vmx'],
  [{ kvm_extra: '-smbios "type=11,value=a b"' }, '-smbios', 'type=11,value=a b'],
  [{ kvm_flag: 'enabled' }, '-machine', 'pc-i440fx-7.2,accel=kvm'],
  [{ kvm_path: '/opt/qemu' }, '-name', 'inst1.example.com,debug-threads=on'],
  [{ machine_version: 'pc-i440fx-6.2' }, '-machine', 'pc-i440fx-6.2'],
  [{ mem_path: '/hugepages' }, '-mem-path', '/hugepages'],
  [{ reboot_behavior: 'exit' }, '-no-reboot', '-machine'],
  [{ soundhw: 'hda' }, '-audio', 'driver=none,model=hda,id=soundhw'],
  [{ usb_devices: 'mouse,keyboard' }, '-usbdevice', 'mouse'],
  [{ usb_mouse: 'tablet' }, '-usbdevice', 'tablet'],
  [{ use_localtime: true }, '-rtc', 'base=localtime'],
  [{ vga: 'std' }, '-vga', 'std'],
  [{ serial_console: false }, '-serial', 'none'],
  [{ serial_speed: 9600 }, '-append', 'root=/dev/vda1 ro console=ttyS0,9600'],
  [{ root_path: '/dev/sda', kernel_args: 'quiet' }, '-append', 'root=/dev/sda quiet console=ttyS0,38400'],
  [{ initrd_path: '/i' }, '-initrd', '/i'],
  [{ vnc_bind_address: '0.0.0.0' }, '-vnc', ':5100'],
  [{ vnc_bind_address: '::1' }, '-vnc', '[::1]:5100'],
  [{ vnc_bind_address: 'lo' }, '-vnc', '127.0.0.1:5100'],
  [{ vnc_bind_address: '/run/vnc' }, '-vnc', 'unix:/run/vnc/inst1.example.com.vnc'],
  [{ vnc_bind_address: '0.0.0.0', vnc_password_file: '/p' }, '-vnc', ':5100,password=on'],
  [{ vnc_bind_address: '0.0.0.0', vnc_tls: true }, '-object', 'tls-creds-anon,id=vnctls0,endpoint=server'],
  [{ vnc_bind_address: '0.0.0.0', vnc_tls: true }, '-vnc', ':5100,tls-creds=vnctls0'],
  [
    { vnc_bind_address: '0.0.0.0', vnc_tls: true, vnc_x509_path: '/c', vnc_x509_verify: true },
    '-object',
    'tls-creds-x509,id=vnctls0,endpoint=server,dir=/c,verify-peer=yes',
  ],
  [
    { use_guest_agent: true },
    '-chardev',
    'socket,path=/var/run/ganeti/kvm-hypervisor/ctrl/inst1.example.com.qga,server,nowait,id=qga0',
  ],
  [
    { kernel_path: '', cdrom_image_path: '/a.iso', cdrom_disk_type: 'ide', boot_order: 'cdrom' },
    '-blockdev',
    'driver=raw,cache.direct=off,cache.no-flush=on,read-only=on,node-name=cdrom1,file.driver=file,file.filename=/a.iso',
  ],
  [
    { cdrom2_image_path: 'https://x.test/b.iso', cdrom_disk_type: 'scsi-cd' },
    '-blockdev',
    'driver=raw,cache.direct=off,cache.no-flush=on,read-only=on,node-name=cdrom2,file.driver=https,file.url=https://x.test/b.iso',
  ],
  [
    { floppy_image_path: '/f,1' },
    '-blockdev',
    'driver=raw,node-name=floppy1,file.driver=file,file.filename=/f,,1',
  ],
];

describe('each parameter', () => {
  for (const [changes, option, value] of effects) {
    it(`${JSON.stringify(changes)} gives ${option}`, () => {
      const guest = withParameters(changes);
      assert.equal(parameterFault(about, guest.hvparams), undefined);
      assert.equal(after(portable(guest), option), value);
    });
  }

  it('of SPICE has its place in one option', () => {
    const plain = withParameters({ spice_bind: '127.0.0.1' });
    assert.equal(after(portable(plain), '-spice'), 'addr=127.0.0.1,port=11000,disable-ticketing=on');
    assert.ok(portable(plain).includes('virtio-serial-pci,id=spice'));
    assert.equal(after(portable(plain), '-vga'), 'qxl');
    const full = withParameters({
      spice_bind: 'lo',
      spice_ip_version: 6,
      spice_use_tls: true,
      spice_password_file: '/p',
      spice_image_compression: 'quic',
      spice_jpeg_wan_compression: 'auto',
      spice_zlib_glz_wan_compression: 'never',
      spice_streaming_video: 'filter',
      spice_playback_compression: false,
      spice_use_vdagent: false,
    });
    assert.equal(
      after(portable(full), '-spice'),
      'addr=::1,tls-port=11000,x509-cacert-file=/var/lib/ganeti/spice-ca.pem,x509-key-file=/var/lib/ganeti/spice.pem,' +
        'x509-cert-file=/var/lib/ganeti/spice.pem,tls-ciphers=HIGH:-DES:-3DES:-EXPORT:-DH,ipv6=on,image-compression=quic,' +
        'jpeg-wan-compression=auto,zlib-glz-wan-compression=never,streaming-video=filter,playback-compression=off,agent-mouse=off',
    );
  });

  it('that the guest does not see is added by the node', () => {
    assert.equal(after(local(withParameters({ keymap: 'de' })), '-k'), 'de');
    const one = { nics: [nic('a-b-c-d-e', 'aa:00:00:00:00:01')] };
    assert.match(after(local(withParameters({}, one)), '-netdev')!, /,vhost=on$/);
    assert.doesNotMatch(after(local(withParameters({}, one), { vhost: false }), '-netdev')!, /vhost/);
    const queues = local(withParameters({ virtio_net_queues: 4 }, one));
    assert.match(after(queues, '-netdev')!, /vhost=on,queues=4/);
    assert.match(after(queues, '-device')!, /mq=on,vectors=10$/);
    assert.match(after(local(withParameters({ vnet_hdr: false }, one)), '-netdev')!, /vnet_hdr=off/);
    assert.deepEqual(local(withParameters({})).slice(0, 2), ['-net', 'none']);
  });

  it('of disks reaches each of them', () => {
    const one = { disks: [disk('1-2-3-4-5')] };
    const options = (changes: Parameters) => {
      const words = local(withParameters(changes, one));
      return `${after(words, '-device')} ${after(words, '-blockdev')}`;
    };
    assert.match(options({ kernel_path: '' }), /,bootindex=1 /);
    assert.match(options({ disk_cache: 'writethrough' }), /write-cache=off .*cache\.direct=off/);
    assert.match(options({ disk_discard: 'unmap' }), /discard=unmap/);
    assert.match(options({ disk_aio: 'io_uring' }), /file\.aio=io_uring/);
    assert.match(options({ disk_type: 'ide' }), /^ide-hd,drive=disk-1-2-3,write-cache=on /);
    assert.match(
      options({ disk_type: 'scsi-hd' }),
      /^scsi-hd,id=disk-1-2-3,bus=scsi\.0,channel=0,scsi-id=0,lun=0,drive=/,
    );
    assert.match(options({ kvm_pci_reservations: 8 }), /addr=0x8/);
    assert.ok(portable(withParameters({ disk_type: 'scsi-hd' })).includes('lsi,id=scsi'));
    const megasas = withParameters({ disk_type: 'scsi-hd', scsi_controller_type: 'megasas' });
    assert.ok(portable(megasas).includes('megasas,id=scsi'));
    assert.throws(() => options({ disk_type: 'sd' }), /QEMU does not support disk driver 'sd'/);
  });

  it('that is read-only stays so', () => {
    const one = { disks: [disk('1-2-3-4-5', 'ro')] };
    assert.match(after(local(withParameters({}, one)), '-blockdev')!, /read-only=on/);
    assert.throws(() => local(withParameters({ disk_type: 'ide' }, one)), /read-only disks/);
  });
});

describe('what differs between versions of QEMU', () => {
  it('is spelt as each of them wants', () => {
    const off = withParameters({ acpi: false, soundhw: 'ac97' });
    assert.ok(portable(off, [9, 0, 0]).includes('pc-i440fx-7.2,acpi=off'));
    assert.ok(!portable(off, [9, 0, 0]).includes('-no-acpi'));
    assert.equal(after(portable(off, [7, 0, 0]), '-soundhw'), 'ac97');
    assert.equal(after(portable(off, [11, 0, 0]), '-name'), 'inst1.example.com');
  });
  it('goes for user and folder too', () => {
    const guest = withParameters({});
    const confined = { user: 'guests', chroot: '/c' };
    const tail = (version: QemuVersion) => local(guest, confined, version).slice(-6, -2).join(' ');
    assert.equal(tail([7, 2, 0]), '-runas guests -chroot /c');
    assert.equal(
      local(guest, confined, [9, 1, 0]).slice(-4, -2).join(' '),
      '-run-with user=guests,chroot=/c',
    );
  });
});

describe('receiving a guest', () => {
  it('waits at the address and is not told to stand still', () => {
    const words = local(withParameters({}), { incoming: { address: '10.0.0.1', port: 8102 } });
    assert.equal(after(words, '-incoming'), 'tcp:10.0.0.1:8102');
    assert.ok(!words.includes('-S'));
    assert.equal(migrationUri('2001:db8::1', 8102), 'tcp:[2001:db8::1]:8102');
  });
});

describe('the accelerator', () => {
  it('is not named twice', () => {
    const words = (command: string[]) => local(withParameters({}), { command });
    assert.equal(after(words(['kvm', '-machine', 'pc']), '-accel'), 'tcg');
    assert.ok(!words(['kvm', '-machine', 'pc,accel=kvm']).includes('-accel'));
    assert.ok(!words(['kvm', '-enable-kvm']).includes('-accel'));
  });
});

it('USB devices are joined by spaces, in old settings by commas', () => {
  assert.deepEqual(usbDevices('mouse,tablet'), ['mouse', 'tablet']);
  assert.deepEqual(usbDevices('serial:chardev=a,b tablet'), ['serial:chardev=a,b', 'tablet']);
  assert.deepEqual(usbDevices(''), []);
});

it('every parameter of KVM is used, or known to be used elsewhere', () => {
  const elsewhere = [
    ...['cpu_mask', 'migration_bandwidth', 'migration_caps', 'migration_downtime', 'migration_mode'],
    ...['migration_port', 'security_domain', 'security_model', 'use_chroot', 'user_shutdown'],
  ];
  const read = new Set<string>();
  const spied = (values: Parameters): Parameters =>
    new Proxy(values, {
      get: (target, name) => {
        if (typeof name === 'string') read.add(name);
        return target[String(name)];
      },
    });
  const settings: Parameters[] = [
    {},
    {
      kernel_path: '',
      cdrom_image_path: '/a',
      cdrom2_image_path: '/b',
      cdrom_disk_type: 'ide',
      floppy_image_path: '/f',
    },
    { vnc_bind_address: '0.0.0.0', vnc_tls: true, vnc_x509_path: '/c' },
    { spice_bind: 'lo', spice_use_tls: true },
    { disk_type: 'scsi-hd' },
  ];
  for (const changes of settings) {
    const guest = withParameters(changes, {
      disks: [disk('1-2-3-4-5')],
      nics: [nic('a-b-c-d-e', 'aa:00:00:00:00:01')],
    });
    const watched = { ...guest, hvparams: spied(guest.hvparams) };
    portable(watched);
    local(watched);
  }
  const unused = Object.keys(about.params).filter((name) => !read.has(name) && !elsewhere.includes(name));
  assert.deepEqual(unused, []);
});
