import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pollUntil } from '../../kit/clock.ts';
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { runProcess } from '../../kit/process.ts';
import type { Parameters } from '../../model/objects/common.ts';
import { driverSuite } from '../contract.suite.ts';
import type { Guest, GuestDisk, HypervisorAbout } from '../contract.ts';
import { guestFor } from '../guest.fixture.ts';
import { hvmAbout, pvmAbout } from './about.ts';
import { cpuLine, hvmConfig, nicFile, pvmConfig, quoted, withMemory } from './config.ts';
import { xenDriver } from './driver.ts';
import { isListening, receiveCommand, sendCommand } from './migration.ts';
import { domainState, parseDomains, parseHostFacts } from './output.ts';

const sample = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

function guestOf(about: HypervisorAbout, hvparams: Parameters = {}, changes: Partial<Guest> = {}): Guest {
  const guest = guestFor(about, changes);
  return { ...guest, hvparams: { ...guest.hvparams, ...hvparams } };
}

const nic = {
  ...{ uuid: 'u', mac: 'aa:00:00:00:00:01', ip: '10.0.0.2', name: null, mode: 'bridged', link: 'xen-br0' },
  ...{ vlan: '', network: null },
};
const here = { talkScript: '/usr/lib/ganeti/vif-ganeti-metad' };
const disk: GuestDisk = {
  uuid: 'd',
  name: null,
  path: '/var/run/ganeti/instance-disks/inst1:0',
  mode: 'rw',
  template: 'plain',
  sizeMiB: 1,
};

describe('what xl prints', () => {
  it('is domains', () => {
    const domains = parseDomains(sample('./xl-list.sample.txt'));
    assert.deepEqual(
      domains.map(({ name, id, memory, vcpus, state, time }) => [name, id, memory, vcpus, state, time]),
      [
        ['Domain-0', 0, 1023, 1, 'running', 154706.1],
        ['server01.example.com', 1, 1024, 1, 'running', 167643.2],
        ['web3106215069.example.com', 3, 4096, 1, 'running', 466690.9],
        ['testinstance.example.com', 2, 2048, 2, 'running', 244443.0],
      ],
    );
    assert.equal(parseDomains(sample('./xl-list-empty.sample.txt')).length, 1);
    assert.throws(() => parseDomains('Name\nhello world'), /Can't parse instance list, line: hello world/);
  });

  it('is states, of which some are strange', () => {
    for (const running of ['r-----', '-b----', '------', 'rb----', '--p---', '---ss-', '---sr-', '-----d']) {
      assert.equal(domainState(running), 'running', running);
    }
    for (const down of ['---s--', '--ps--', '---s-d']) assert.equal(domainState(down), 'shutdown', down);
    assert.equal(domainState('----c-'), null);
    assert.throws(() => domainState('rrrrrr'), /Unhandled Xen instance state/);
  });

  it('is a host', () => {
    assert.deepEqual(
      parseHostFacts(sample('./xl-info.sample.txt'), parseDomains(sample('./xl-list.sample.txt'))),
      {
        version: '4.0',
        memoryTotal: 16378,
        memoryFree: 8004,
        memoryNode: 1023,
        cpuTotal: 4,
        cpuNodes: 1,
        cpuSockets: 2,
        cpuNode: 1,
      },
    );
  });
});

describe('the configuration of a para-virtualised domain', () => {
  it('has a line for everything', () => {
    const guest = guestOf(
      pvmAbout,
      {
        initrd_path: '/boot/initrd',
        cpu_mask: '0-1:all',
        cpu_cap: 50,
        cpuid: 'host,x=1',
        soundhw: 'ac97',
        vif_script: '/etc/xen/scripts/vif-own',
        reboot_behavior: 'exit',
      },
      {
        nics: [nic, { ...nic, ip: null, mode: 'openvswitch', link: 'sw1', vlan: '.5' }],
        disks: [disk, { ...disk, mode: 'ro', driver: 'blktap', isFile: true }],
      },
    );
    assert.deepEqual(pvmConfig(guest, 96, here).split('\n').slice(2, -1), [
      "kernel = '/boot/vmlinuz-3-xenU'",
      "ramdisk = '/boot/initrd'",
      'memory = 96',
      'maxmem = 128',
      'vcpus = 2',
      'cpus = [ "0,1", "0-63" ]',
      'cpu_cap=50',
      'cpu_weight=256',
      "name = 'inst1.example.com'",
      "vif = ['mac=aa:00:00:00:00:01, ip=10.0.0.2, bridge=xen-br0, script=/etc/xen/scripts/vif-own','mac=aa:00:00:00:00:01, bridge=sw1.5, script=/etc/xen/scripts/vif-own']",
      "disk = ['phy:/var/run/ganeti/instance-disks/inst1:0,sda,w','tap:aio:/var/run/ganeti/instance-disks/inst1:0,sdb,r']",
      "root = '/dev/xvda1'",
      "on_poweroff = 'preserve'",
      "on_reboot = 'destroy'",
      "on_crash = 'restart'",
      "extra = 'ro'",
      "cpuid = 'host,x=1'",
      "soundhw = 'ac97'",
    ]);
  });

  it('may start with a boot loader, which must be named', () => {
    const loader = { use_bootloader: true, bootloader_path: '/usr/bin/pygrub', bootloader_args: '-q' };
    const lines = pvmConfig(guestOf(pvmAbout, loader), 96, here).split('\n');
    assert.deepEqual(lines.slice(2, 4), ["bootloader = '/usr/bin/pygrub'", "bootargs = '-q'"]);
    assert.throws(
      () => pvmConfig(guestOf(pvmAbout, { use_bootloader: true }), 96, here),
      /missing bootloader path/,
    );
  });

  it('takes no value that would end a string and begin another line', () => {
    assert.equal(quoted("it's"), `"it's"`);
    for (const wrong of [`'"`, "a\nextra = 'x'", 'a\\'])
      assert.throws(() => quoted(wrong), /can't stand in a Xen/);
    assert.throws(
      () => pvmConfig(guestOf(pvmAbout, { kernel_args: "ro'\nvcpus = 99" }), 96, here),
      /can't stand/,
    );
  });

  it('has no network mode that is nothing but a script', () => {
    const guest = guestOf(pvmAbout, {}, { nics: [{ ...nic, mode: 'ext' }] });
    assert.throws(() => pvmConfig(guest, 96, here), /Network mode ext not supported for XEN hypervisor/);
  });

  it('pins processors, or lets them run anywhere', () => {
    assert.equal(cpuLine('all'), null);
    assert.equal(cpuLine(''), null);
    assert.equal(cpuLine('0-2,5'), 'cpu = "0,1,2,5"');
  });

  it('is changed with its memory', () => {
    assert.match(withMemory(pvmConfig(guestOf(pvmAbout), 96, here), 64), /^memory = 64$/m);
  });
});

describe('the configuration of a fully virtualised domain', () => {
  it('has a line for everything', () => {
    const guest = guestOf(
      hvmAbout,
      {
        cdrom_image_path: '/a.iso',
        pci_pass: '01:00.0;02:00.0',
        use_localtime: true,
        nic_type: 'e1000',
        viridian: true,
        pae: false,
      },
      { nics: [nic], disks: [disk] },
    );
    assert.deepEqual(hvmConfig(guest, 96, 'secret', here).split('\n').slice(2, -1), [
      "kernel = '/usr/lib/xen/boot/hvmloader'",
      "builder = 'hvm'",
      'memory = 96',
      'maxmem = 128',
      'vcpus = 2',
      'cpu_weight=256',
      "name = 'inst1.example.com'",
      'pae = 0',
      'acpi = 1',
      'viridian = 1',
      'apic = 1',
      "device_model = '/usr/lib/xen/bin/qemu-dm'",
      "boot = 'cd'",
      'sdl = 0',
      'usb = 1',
      "usbdevice = 'tablet'",
      'vnc = 1',
      "vnclisten = '0.0.0.0'",
      'vncdisplay = 5100',
      'vncunused = 0',
      "vncpasswd = 'secret'",
      "serial = 'pty'",
      'localtime = 1',
      "vif = ['mac=aa:00:00:00:00:01, model=e1000, type=ioemu, ip=10.0.0.2, bridge=xen-br0']",
      "disk = ['phy:/var/run/ganeti/instance-disks/inst1:0,hda,w','file:/a.iso,hdc:cdrom,r']",
      "pci = ['01:00.0', '02:00.0']",
      "on_poweroff = 'preserve'",
      "on_reboot = 'restart'",
      "on_crash = 'restart'",
    ]);
    const bare = hvmConfig(
      guestOf(hvmAbout, { nic_type: 'paravirtual' }, { networkPort: null, nics: [nic] }),
      96,
      '',
      here,
    );
    assert.match(bare, /vncunused = 1/);
    assert.match(bare, /mac=aa:00:00:00:00:01, type=vif,/);
  });
});

it("an interface's data can be read by a shell, whatever it holds", async () => {
  const network = { name: "n'$(id)", uuid: 'x', subnet: '10.0.0.0/24', tags: ['a', 'b'] };
  const text = nicFile(guestOf(pvmAbout, {}, { tags: ['t 1'] }), { ...nic, network }, 3);
  const shell = await runProcess([
    'sh',
    '-c',
    `${text}\necho "$NETWORK_NAME|$TAGS|$INTERFACE_INDEX|$NETWORK_TAGS|$LINK"`,
  ]);
  assert.equal(shell.stdout, "n'$(id)|t 1|3|a b|xen-br0\n");
});

it('domains travel over socat', () => {
  assert.equal(sendCommand('10.0.0.1', 8002), 'socat -b524288 - TCP:10.0.0.1:8002 #');
  assert.equal(sendCommand('2001:db8::1', 8002), 'socat -b524288 - TCP:[2001:db8::1]:8002 #');
  assert.deepEqual(receiveCommand('xl', '10.0.0.1', 8002), [
    'socat',
    '-b524288',
    'TCP-LISTEN:8002,bind=10.0.0.1,reuseaddr',
    'EXEC:xl migrate-receive',
  ]);
});

it('a port that is waited on is seen', () => {
  const table =
    '  sl  local_address rem_address   st\n   0: 0100007F:1F42 00000000:0000 0A 0\n   1: 0100007F:0016 0100007F:1F43 01 0\n';
  assert.ok(isListening(table, 8002));
  assert.ok(!isListening(table, 22) && !isListening(table, 8003));
});

let port = 28002;

/** Two nodes, each with a stand-in for xl of its own. */
async function open(about: HypervisorAbout) {
  const root = await mkdtemp(join(tmpdir(), 'gantry-xen-'));
  port += 1;
  const node = async (name: string) => {
    const folder = join(root, name);
    await mkdir(folder);
    await copyFile(new URL('./xl.stand-in.sh', import.meta.url), join(folder, 'xl'));
    await chmod(join(folder, 'xl'), 0o755);
    await writeFile(join(folder, 'info'), sample('./xl-info.sample.txt'));
    const paths = pathsFor({ GANETI_ROOTDIR: folder });
    return { folder, paths, driver: xenDriver(about, { paths, log: silentLog }, join(folder, 'xl')) };
  };
  const [node1, node2] = [await node('node1'), await node('node2')];
  await writeFile(join(root, 'password'), 'secret\n');
  const own = about === hvmAbout ? { vnc_password_file: join(root, 'password') } : {};
  return {
    ...{ root, node1, node2, driver: node1.driver, other: node2.driver, address: '127.0.0.1' },
    guest: guestOf(about, { migration_port: port, ...own }, { nics: [nic] }),
    close: async () => {
      await node2.driver.finalizeTarget(guestOf(about), '', false);
      await rm(root, { recursive: true, force: true });
    },
  };
}

const hasSocat = (await runProcess(['socat', '-V']).catch(() => null))?.code === 0;
for (const about of [pvmAbout, hvmAbout]) driverSuite(about, () => open(about), { migration: hasSocat });

describe('a Xen domain', () => {
  it('that shut down by itself is known as such, and starts again', async () => {
    const { driver, guest, node1, close } = await open(pvmAbout);
    await driver.start(guest, { paused: false });
    await runProcess([join(node1.folder, 'xl'), 'shutdown', '-w', guest.name]);
    assert.equal((await driver.info(guest.name, {}))?.state, 'shutdown');
    await driver.start(guest, { paused: false });
    assert.equal((await driver.info(guest.name, {}))?.state, 'running');
    await close();
  });

  it('that does not hear is destroyed when time is up', async () => {
    const { driver, guest, node1, close } = await open(pvmAbout);
    await driver.start(guest, { paused: false });
    await writeFile(join(node1.folder, 'deaf'), '');
    await driver.stop(guest, 0.05);
    assert.equal(await driver.info(guest.name, {}), null);
    assert.deepEqual(await readdir(join(node1.folder, 'etc/xen')), []);
    await close();
  });

  it('that cannot start keeps its file with the logs', async () => {
    const { driver, guest, node1, close } = await open(pvmAbout);
    const broken = { ...guest, hvparams: { ...guest.hvparams, kernel_path: '' } };
    await writeFile(
      join(node1.folder, 'xl'),
      '#!/bin/sh\n[ $1 = create ] && { echo xc: no memory >&2; exit 3; }\n[ $1 = list ] && echo Name\n[ $1 = info ] && echo free_memory: 999\n:\n',
    );
    await assert.rejects(
      driver.start(broken, { paused: false }),
      /exited with exit code 3 \(xc: no memory\)\. Moved config file to/,
    );
    const kept = await readdir(join(node1.paths.logDir, 'xen'));
    assert.equal(kept.length, 1);
    await close();
  });

  const talk = { ...nic, name: 'ganeti:communication:inst1', mode: 'routed', link: '', ip: '169.254.1.1' };

  it('that asks its node gets interfaces with names of their own, brought up by the script', async () => {
    const { driver, guest, node1, close } = await open(pvmAbout);
    const { configDir } = node1.paths;
    await mkdir(configDir, { recursive: true });
    await writeFile(
      join(configDir, 'xen-ifup-os'),
      `#!/bin/sh\necho "$INTERFACE $MODE $IP $INSTANCE" >> ${node1.folder}/talks\n`,
      { mode: 0o755 },
    );
    const talking = (name: string) => ({ ...guest, name, nics: [nic, talk] });
    // Names that are taken by interfaces of this machine are left out.
    const names: string[] = [];
    for (const name of ['inst1.example.com', 'inst2.example.com']) {
      await driver.start(talking(name), { paused: false });
      const text = await readFile(join(node1.folder, 'etc/xen', name), 'utf8');
      const entry = /'mac=[^']*, vifname=(gnt\.com\.\d+), script=([^',]*\/vif-ganeti-metad)'/.exec(text);
      assert.ok(entry !== null, text);
      names.push(entry[1]!);
      const described = join(node1.paths.runDir, 'xen-hypervisor/nic', name, '1');
      assert.match(await readFile(described, 'utf8'), new RegExp(`^INTERFACE_NAME='${entry[1]!}'$`, 'm'));
    }
    assert.notEqual(names[0], names[1]);
    await driver.reboot(talking('inst1.example.com'));
    assert.deepEqual((await readFile(join(node1.folder, 'talks'), 'utf8')).split('\n'), [
      `${names[0]} routed 169.254.1.1 inst1.example.com`,
      `${names[1]} routed 169.254.1.1 inst2.example.com`,
      `${names[0]} routed 169.254.1.1 inst1.example.com`,
      '',
    ]);
    await close();
  });

  it('that could not talk to its node is not left behind', async () => {
    const { driver, guest, node1, close } = await open(pvmAbout);
    await mkdir(node1.paths.configDir, { recursive: true });
    await writeFile(join(node1.paths.configDir, 'xen-ifup-os'), '#!/bin/sh\necho no lease; exit 4\n', {
      mode: 0o755,
    });
    await assert.rejects(
      driver.start({ ...guest, nics: [talk] }, { paused: false }),
      /exit code 4; .*no lease/,
    );
    assert.equal(await driver.info(guest.name, {}), null);
    await close();
  });

  it('keeps its memory in its file', async () => {
    const { driver, guest, node1, close } = await open(pvmAbout);
    await driver.start(guest, { paused: false });
    await driver.balloon(guest, 70);
    assert.equal((await driver.info(guest.name, {}))?.memory, 70);
    assert.match(await readFile(join(node1.folder, 'etc/xen', guest.name), 'utf8'), /^memory = 70$/m);
    await close();
  });

  it('on its way that is called off gets its name back', { skip: !hasSocat && 'needs socat' }, async () => {
    const { driver, other, guest, node1, close } = await open(pvmAbout);
    await driver.start(guest, { paused: false });
    await other.accept(guest, await driver.migrationInfo(guest), '127.0.0.1');
    await writeFile(join(node1.folder, 'slow'), '');
    await driver.migrate(guest, '127.0.0.1', true);
    await pollUntil(async () => ((await driver.info(guest.name, {})) === null ? true : undefined), {
      everyMs: 20,
      timeoutMs: 10_000,
    });
    assert.equal((await driver.migrationStatus(guest)).status, 'active');
    await driver.cancelMigration(guest);
    assert.equal((await driver.migrationStatus(guest)).status, 'cancelled');
    assert.equal((await driver.info(guest.name, {}))?.state, 'running');
    await close();
  });
});
