/**
 * The KVM driver against real QEMU on this machine, under emulation: what must hold of every driver, and
 * what only KVM can do. Two roots stand for two nodes; guests move between them over the loopback device.
 * Needs root for taps, users and folders of confinement.
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type DriverWorld, driverSuite } from '../../src/hypervisors/contract.suite.ts';
import type { Guest, GuestDisk, HypervisorDriver } from '../../src/hypervisors/contract.ts';
import { linkDisk, unlinkDisks } from '../../src/hypervisors/disk-links.ts';
import { guestFor } from '../../src/hypervisors/guest.fixture.ts';
import { about } from '../../src/hypervisors/kvm/about.ts';
import { kvmDriver } from '../../src/hypervisors/kvm/driver.ts';
import { guestFiles } from '../../src/hypervisors/kvm/host/layout.ts';
import { guestProcess } from '../../src/hypervisors/kvm/qemu/process.ts';
import { pollUntil } from '../../src/kit/clock.ts';
import { silentLog } from '../../src/kit/log.ts';
import { type Paths, pathsFor } from '../../src/kit/paths.ts';
import { runChecked, runProcess } from '../../src/kit/process.ts';
import { lostTicks, readGuestConsole } from '../harness/guest-console.ts';
import { type GuestImage, guestImage, SerialConsole } from '../harness/local-guest.ts';

const bridge = 'gantrytest0';
const bootMs = 120_000;
let image: GuestImage;

interface Node {
  readonly paths: Paths;
  readonly driver: HypervisorDriver;
}

interface World extends DriverWorld {
  readonly root: string;
  readonly node1: Node;
  readonly node2: Node;
}

async function node(root: string): Promise<Node> {
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  return { paths, driver: await kvmDriver({ paths, log: silentLog }) };
}

let port = 18102;

async function makeDisk(root: string, name: string, sizeMiB: number): Promise<GuestDisk> {
  const path = join(root, name);
  const handle = await open(path, 'w');
  await handle.truncate(sizeMiB * 1024 ** 2);
  await handle.close();
  const uuid = `${name.padEnd(8, '0')}-0000-4000-8000-000000000000`;
  return {
    uuid,
    name: null,
    path,
    mode: 'rw',
    template: 'file',
    sizeMiB,
    logicalId: ['loop', path],
    params: {},
  };
}

/** Links as a node daemon makes them: the same names on both nodes. */
async function linkAll(nodes: readonly Node[], guest: Guest): Promise<void> {
  for (const { paths } of nodes) {
    await unlinkDisks(paths, guest.name);
    for (const [index, disk] of guest.disks.entries()) await linkDisk(paths, guest.name, index, disk.path);
  }
}

async function openWorld(changes: Partial<Guest> = {}, hvparams: Guest['hvparams'] = {}): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'gantry-kvm-'));
  await chmod(root, 0o755);
  const [node1, node2] = [await node(join(root, 'n1')), await node(join(root, 'n2'))];
  port += 1;
  const plain = guestFor(about, {
    beparams: { minmem: 96, maxmem: 128, vcpus: 1 },
    disks: [await makeDisk(root, 'aaaaaaa0', 32)],
    ...changes,
  });
  const guest: Guest = {
    ...plain,
    hvparams: {
      ...plain.hvparams,
      kernel_path: image.kernel,
      initrd_path: image.initrd,
      kernel_args: 'console=ttyS0',
      kvm_flag: 'disabled',
      migration_port: port,
      migration_bandwidth: 512,
      ...hvparams,
    },
  };
  await linkAll([node1, node2], guest);
  return {
    ...{ root, node1, node2, guest },
    driver: node1.driver,
    other: node2.driver,
    address: '127.0.0.1',
    close: async () => {
      for (const { driver } of [node1, node2]) {
        await driver.stop(guest, 0);
        await driver.cleanUp(guest).catch(() => {});
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function within(
  work: (world: World) => Promise<void>,
  changes: Partial<Guest> = {},
  hv: Guest['hvparams'] = {},
) {
  const world = await openWorld(changes, hv);
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

function serial({ paths }: Node, guest: Guest): SerialConsole {
  return new SerialConsole(guestFiles(paths, guest.name).serial.file);
}

async function boot(world: World): Promise<SerialConsole> {
  await world.driver.start(world.guest, { paused: false });
  const console = serial(world.node1, world.guest);
  await console.waitFor(/tick \d+ at/, bootMs);
  return console;
}

async function settled(driver: HypervisorDriver, guest: Guest) {
  const end = await pollUntil(
    async () => {
      const progress = await driver.migrationStatus(guest);
      return progress.status === 'active' ? undefined : progress;
    },
    { everyMs: 100, timeoutMs: 120_000 },
  );
  return end ?? assert.fail('the migration does not end');
}

/** What the guest shows once it has taken notice. */
async function shows(console: SerialConsole, command: string, pattern: RegExp): Promise<void> {
  let last = '';
  const found = await pollUntil(
    async () => {
      last = await console.run(command);
      return pattern.test(last) ? true : undefined;
    },
    { everyMs: 500, timeoutMs: 30_000 },
  );
  assert.ok(found, `${command} shows ${last}`);
}

/** Files that a guest leaves: none but its log and the disks. */
async function leftovers({ paths }: Node): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['pid', 'uid', 'ctrl', 'conf', 'nic', 'chroot']) {
    const names = await readdir(join(paths.kvmDir, folder)).catch(() => []);
    found.push(...names.map((name) => `${folder}/${name}`));
  }
  return found;
}

async function userOf({ paths }: Node, guest: Guest): Promise<number> {
  const running = await guestProcess(guestFiles(paths, guest.name));
  return (await stat(`/proc/${running!.pid}`)).uid;
}

const nicOn = (uuid: string, mac: string, link = bridge) =>
  ({ uuid, mac, ip: null, name: null, mode: 'bridged', link, vlan: '', network: null }) as const;

before(async () => {
  image = await guestImage();
  for (const name of [bridge, `${bridge}b`]) {
    await runProcess(['ip', 'link', 'del', name]);
    await runChecked(['ip', 'link', 'add', name, 'type', 'bridge']);
    await runChecked(['ip', 'link', 'set', name, 'up']);
  }
});
after(async () => {
  await image.remove();
  for (const name of [bridge, `${bridge}b`]) await runProcess(['ip', 'link', 'del', name]);
});

driverSuite(about, () => openWorld());

describe('a KVM guest', () => {
  it('boots, is heard on its console, balloons, and powers off when asked', () =>
    within(async (world) => {
      const { driver, guest } = world;
      const console = await boot(world);
      assert.match((await console.run('cat /proc/partitions')).trim(), /vda/);
      await driver.balloon(guest, 96);
      const small = await pollUntil(
        async () => ((await driver.info(guest.name, guest.hvparams))?.memory === 96 ? true : undefined),
        { everyMs: 200, timeoutMs: 30_000 },
      );
      assert.equal(small, true);
      await driver.stop(guest, 60);
      assert.match(console.text, /guest: powering off/);
      assert.equal(await driver.info(guest.name, guest.hvparams), null);
      await driver.cleanUp(guest);
      assert.deepEqual(await leftovers(world.node1), []);
    }));

  it('is left alone by a new driver, as after a restart of the node daemon', () =>
    within(async (world) => {
      const { guest } = world;
      const console = await boot(world);
      const again = await node(join(world.root, 'n1'));
      assert.deepEqual(
        (await again.driver.list(guest.hvparams)).map(({ name, state }) => [name, state]),
        [[guest.name, 'running']],
      );
      await console.waitFor(/tick \d+ at/, 5000, console.text.length);
      console.close();
    }));

  it('started paused stands still until it is told to go on', () =>
    within(async ({ driver, guest }) => {
      await driver.start(guest, { paused: true });
      assert.equal((await driver.info(guest.name, guest.hvparams))?.state, 'paused');
    }));

  it('that cannot start says why, and leaves nothing', () =>
    within(
      async (world) => {
        const good = { ...world.guest, hvparams: { ...world.guest.hvparams, cpu_type: '' } };
        await world.driver.start(good, { paused: false });
        await world.driver.stop(good, 0);
        await assert.rejects(world.driver.start(world.guest, { paused: false }), (error: Error) => {
          assert.match(
            error.message,
            /^Failed to start instance inst1\.example\.com: exited with exit code 1 \(/,
          );
          assert.match(error.message, /no-such-cpu/);
          return true;
        });
        assert.deepEqual(await leftovers(world.node1), []);
      },
      {},
      { cpu_type: 'no-such-cpu' },
    ));

  it('that was shut down from inside is known as such, and starts again', () =>
    within(
      async (world) => {
        const { driver, guest } = world;
        const console = await boot(world);
        console.run('poweroff -f').catch(() => {});
        const ended = await pollUntil(
          async () =>
            (await driver.info(guest.name, guest.hvparams))?.state === 'shutdown' ? true : undefined,
          { everyMs: 200, timeoutMs: 60_000 },
        );
        assert.equal(ended, true);
        assert.deepEqual(
          (await driver.list(guest.hvparams)).map((found) => found.state),
          ['shutdown'],
        );
        console.close();
        await driver.start(guest, { paused: false });
        assert.equal((await driver.info(guest.name, guest.hvparams))?.state, 'running');
        await driver.stop(guest, 0);
        assert.equal(await driver.info(guest.name, guest.hvparams), null);
      },
      {},
      { user_shutdown: true },
    ));

  it('with every kind of device, VNC with a password and a very long name starts', async () => {
    const name = `${'long.'.repeat(40)}example.com`;
    await within(
      async (world) => {
        const password = join(world.root, 'password');
        await writeFile(password, 'secret\n');
        const hvparams = { ...world.guest.hvparams, vnc_password_file: password };
        const guest = { ...world.guest, hvparams };
        await world.driver.start(guest, { paused: false });
        assert.equal((await world.driver.info(name, hvparams))?.name, name);
        await world.driver.stop(guest, 0);
        await world.driver.cleanUp(guest);
        assert.deepEqual(await leftovers(world.node1), []);
      },
      { name, networkPort: 15_900 },
      {
        vnc_bind_address: '127.0.0.1',
        usb_mouse: 'tablet',
        soundhw: 'ac97',
        use_guest_agent: true,
        use_localtime: true,
        vga: 'std',
        disk_type: 'scsi-hd',
        scsi_controller_type: 'virtio-scsi-pci',
        cpu_mask: '0',
        keymap: 'de',
        cpu_type: 'qemu64',
        disk_aio: 'native',
        disk_cache: 'none',
      },
    );
  });
});

describe('a guest of another user', () => {
  for (const [what, hvparams, uid] of [
    ['named', { security_model: 'user', security_domain: 'nobody' }, 65534],
    ['of the pool', { security_model: 'pool' }, 61234],
  ] as const) {
    it(`${what} runs with that user's rights and takes disks while it runs`, () =>
      within(
        async (world) => {
          const { driver } = world;
          const console = await boot(world);
          assert.equal(await userOf(world.node1, world.guest), uid);
          const extra = await makeDisk(world.root, 'bbbbbbb1', 24);
          const guest = { ...world.guest, disks: [...world.guest.disks, extra] };
          await linkAll([world.node1], guest);
          await driver.hotplug(guest, 'add', 'disk', extra.uuid, 1);
          await shows(console, 'cat /proc/partitions', /24576 vdb/);
          assert.equal((await stat(extra.path)).uid, 0);
          console.close();
          await driver.stop(guest, 0);
          await driver.cleanUp(guest);
          assert.deepEqual(await leftovers(world.node1), []);
        },
        { uidPool: [[61234, 61236]] },
        hvparams,
      ));
  }

  it('in a folder of its own starts there, takes disks, and the folder goes with it', () =>
    within(
      async (world) => {
        const console = await boot(world);
        const extra = await makeDisk(world.root, 'bbbbbbb1', 24);
        const larger = { ...world.guest, disks: [...world.guest.disks, extra] };
        await linkAll([world.node1], larger);
        await world.driver.hotplug(larger, 'add', 'disk', extra.uuid, 1);
        await shows(console, 'cat /proc/partitions', /24576 vdb/);
        console.close();
        const files = guestFiles(world.node1.paths, world.guest.name);
        const running = await guestProcess(files);
        assert.equal(await readFile(`/proc/${running!.pid}/root/nothing`).catch(() => 'empty'), 'empty');
        assert.deepEqual(await readdir(`/proc/${running!.pid}/root/`), []);
        assert.equal(await userOf(world.node1, world.guest), 65534);
        await world.driver.stop(world.guest, 0);
        await writeFile(join(files.chroot, 'trace'), 'x');
        await world.driver.cleanUp(world.guest);
        assert.deepEqual(await leftovers(world.node1), []);
        const kept = await readdir(join(world.node1.paths.kvmDir, 'chroot-quarantine'));
        assert.equal(kept.length, 1);
      },
      {},
      { security_model: 'user', security_domain: 'nobody', use_chroot: true },
    ));
});

describe('devices of a running guest', () => {
  it('come, grow and go: disks', () =>
    within(async (world) => {
      const { driver, node1 } = world;
      const console = await boot(world);
      const extra = await makeDisk(world.root, 'bbbbbbb1', 24);
      const guest = { ...world.guest, disks: [...world.guest.disks, extra] };
      await linkAll([node1], guest);
      await driver.hotplugSupported(guest);
      await driver.hotplug(guest, 'add', 'disk', extra.uuid, 1);
      await driver.hotplug(guest, 'add', 'disk', extra.uuid, 1);
      await shows(console, 'cat /proc/partitions', /24576 vdb/);
      await runChecked(['truncate', '-s', '48M', extra.path]);
      await driver.resizeDisk(guest, 1, 48);
      await shows(console, 'cat /proc/partitions', /49152 vdb/);
      await console.run('echo written >/dev/vdb; sync');
      await driver.hotplug(guest, 'remove', 'disk', extra.uuid, 1);
      await driver.hotplug(guest, 'remove', 'disk', extra.uuid, 1);
      assert.doesNotMatch(await console.run('cat /proc/partitions'), /vdb/);
      assert.equal((await readFile(extra.path)).subarray(0, 8).toString(), 'written\n');
      console.close();
    }));

  it('come, change and go: network cards', () =>
    within(async (world) => {
      const { driver, node1, guest: bare } = world;
      const console = await boot(world);
      const nic = nicOn('cccccccc-0000-4000-8000-000000000000', 'aa:00:00:00:00:01');
      const guest = { ...bare, nics: [nic] };
      const files = guestFiles(node1.paths, guest.name);
      const master = async () => {
        const tap = (await readFile(join(files.nics, nic.uuid), 'utf8')).trim();
        return (await runChecked(['ip', '-o', 'link', 'show', tap])).stdout;
      };
      await driver.hotplug(guest, 'add', 'nic', nic.uuid, 0);
      assert.match(await master(), new RegExp(`master ${bridge} `));
      await shows(console, 'cat /sys/class/net/eth0/address', /aa:00:00:00:00:01/);

      const elsewhere = { ...bare, nics: [{ ...nic, link: `${bridge}b` }] };
      await driver.hotplug(elsewhere, 'modify', 'nic', nic.uuid, 0);
      assert.match(await master(), new RegExp(`master ${bridge}b `));
      await shows(console, 'cat /sys/class/net/eth0/address', /aa:00:00:00:00:01/);

      const renumbered = { ...bare, nics: [{ ...nic, mac: 'aa:00:00:00:00:02' }] };
      await driver.hotplug(renumbered, 'modify', 'nic', nic.uuid, 0);
      await shows(console, 'cat /sys/class/net/eth*/address', /aa:00:00:00:00:02/);

      await driver.hotplug(bare, 'remove', 'nic', nic.uuid, 0);
      assert.deepEqual(await readdir(files.nics), []);
      assert.doesNotMatch(await console.run('ls /sys/class/net'), /eth/);
      console.close();
    }));

  it('that it was started with are there, and its taps go with it', () =>
    within(
      async (world) => {
        const { driver, guest, node1 } = world;
        const console = await boot(world);
        await shows(console, 'cat /sys/class/net/eth0/address', /aa:00:00:00:00:03/);
        console.close();
        const tap = (await readFile(join(guestFiles(node1.paths, guest.name).nics, '0'), 'utf8')).trim();
        await driver.stop(guest, 0);
        await driver.cleanUp(guest);
        assert.notEqual((await runProcess(['ip', 'link', 'show', tap])).code, 0);
      },
      { nics: [nicOn('dddddddd-0000-4000-8000-000000000000', 'aa:00:00:00:00:03')] },
      { virtio_net_queues: 1, vnet_hdr: false },
    ));
});

describe('a live migration', () => {
  it('loses no tick, keeps devices that came while it ran, and reports how long the guest stood still', () =>
    within(async (world) => {
      const { driver, other, node1, node2 } = world;
      const console = await boot(world);
      const extra = await makeDisk(world.root, 'bbbbbbb1', 24);
      const guest = { ...world.guest, disks: [...world.guest.disks, extra] };
      await linkAll([node1, node2], guest);
      await driver.hotplug(guest, 'add', 'disk', extra.uuid, 1);

      const info = await driver.migrationInfo(guest);
      await other!.accept(guest, info, '127.0.0.1');
      const arrived = serial(node2, guest);
      await driver.migrate(guest, '127.0.0.1', true);
      const end = await settled(driver, guest);
      assert.equal(end.status, 'completed', end.message ?? '');
      assert.ok(end.downtimeMs !== null && end.transferredMiB! > 0);
      await driver.finalizeSource(guest, true, true);
      await other!.finalizeTarget(guest, info, true);
      await arrived.waitFor(/tick \d+ at .*\n.*tick \d+ at/, 30_000);

      const counts = [console, arrived].flatMap(({ text }) =>
        readGuestConsole(text).ticks.map(({ count }) => count),
      );
      assert.deepEqual(lostTicks(counts), []);
      await shows(arrived, 'cat /proc/partitions', /24576 vdb/);
      assert.deepEqual(await leftovers(node1), []);
      arrived.close();
      console.close();
      await other!.hotplug(guest, 'remove', 'disk', extra.uuid, 1);
      await other!.stop(guest, 60);
    }));

  it('finds disks that changed place because another one went', () =>
    within(async (world) => {
      const { driver, other, node1, node2 } = world;
      const console = await boot(world);
      const extra = await makeDisk(world.root, 'bbbbbbb1', 24);
      const both = { ...world.guest, disks: [...world.guest.disks, extra] };
      await linkAll([node1, node2], both);
      await driver.hotplug(both, 'add', 'disk', extra.uuid, 1);
      await shows(console, 'cat /proc/partitions', /24576 vdb/);
      await driver.hotplug(both, 'remove', 'disk', both.disks[0]!.uuid, 0);
      const one = {
        ...world.guest,
        disks: [{ ...extra, path: join(node2.paths.instanceDisksDir, 'inst1.example.com:0') }],
      };
      await linkAll([node1, node2], { ...one, disks: [extra] });
      const info = await driver.migrationInfo(one);
      await other!.accept(one, info, '127.0.0.1');
      const arrived = serial(node2, one);
      await driver.migrate(one, '127.0.0.1', true);
      assert.equal((await settled(driver, one)).status, 'completed');
      await driver.finalizeSource(one, true, true);
      await other!.finalizeTarget(one, info, true);
      await arrived.waitFor(/tick \d+ at/, 30_000);
      await arrived.run('echo moved >/dev/vdb; sync');
      assert.equal((await readFile(extra.path)).subarray(0, 6).toString(), 'moved\n');
      arrived.close();
      console.close();
    }));

  it('called off on the way leaves the guest running where it was', () =>
    within(
      async (world) => {
        const { driver, other, guest, node2 } = world;
        const console = await boot(world);
        const info = await driver.migrationInfo(guest);
        await other!.accept(guest, info, '127.0.0.1');
        await driver.migrate(guest, '127.0.0.1', true);
        assert.equal((await driver.migrationStatus(guest)).status, 'active');
        await assert.rejects(driver.finalizeSource(guest, true, true), /has not completed/);
        await driver.cancelMigration(guest);
        assert.equal((await driver.migrationStatus(guest)).status, 'cancelled');
        await other!.finalizeTarget(guest, info, false);
        await driver.finalizeSource(guest, false, true);
        await console.waitFor(/tick \d+ at/, 10_000, console.text.length);
        assert.deepEqual(lostTicks(readGuestConsole(console.text).ticks.map(({ count }) => count)), []);
        assert.equal(await other!.info(guest.name, guest.hvparams), null);
        assert.deepEqual(await leftovers(node2), []);
        console.close();
      },
      {},
      { migration_bandwidth: 1 },
    ));

  it('whose target dies leaves the guest running where it was', () =>
    within(
      async (world) => {
        const { driver, other, guest, node2 } = world;
        const console = await boot(world);
        const info = await driver.migrationInfo(guest);
        await other!.accept(guest, info, '127.0.0.1');
        await driver.migrate(guest, '127.0.0.1', true);
        const target = await guestProcess(guestFiles(node2.paths, guest.name));
        process.kill(target!.pid, 'SIGKILL');
        const end = await settled(driver, guest);
        assert.equal(end.status, 'failed');
        await other!.finalizeTarget(guest, info, false);
        await driver.finalizeSource(guest, false, true);
        await console.waitFor(/tick \d+ at/, 10_000, console.text.length);
        assert.deepEqual(await leftovers(node2), []);
        console.close();
      },
      {},
      { migration_bandwidth: 1 },
    ));

  it('that is not live, and one that ends as postcopy, arrive as well', async () => {
    for (const [live, hvparams] of [
      [false, {}],
      [true, { migration_caps: 'postcopy-ram', migration_bandwidth: 8, migration_downtime: 1 }],
    ] as const) {
      await within(
        async (world) => {
          const { driver, other, guest, node2 } = world;
          const console = await boot(world);
          const info = await driver.migrationInfo(guest);
          await other!.accept(guest, info, '127.0.0.1');
          const arrived = serial(node2, guest);
          await driver.migrate(guest, '127.0.0.1', live);
          const end = await pollUntil(
            async () => {
              const { status, message } = await driver.migrationStatus(guest);
              assert.ok(['active', 'postcopy', 'completed'].includes(status), message ?? status);
              return status === 'completed' ? true : undefined;
            },
            { everyMs: 100, timeoutMs: 120_000 },
          );
          assert.equal(end, true);
          await driver.finalizeSource(guest, true, live);
          await other!.finalizeTarget(guest, info, true);
          await arrived.waitFor(/tick \d+ at/, 30_000);
          arrived.close();
          console.close();
        },
        {},
        hvparams,
      );
    }
  });
});

/** Starts the guest as Ganeti 3.0 did on a real cluster: disks as drives, its own runtime file. */
async function startAsGanetiDid({ guest, node1 }: World): Promise<void> {
  const files = guestFiles(node1.paths, guest.name);
  for (const folder of ['pid', 'ctrl', 'conf'])
    await mkdir(join(node1.paths.kvmDir, folder), { recursive: true });
  const at = (path: string) => `unix:${path},server,nowait`;
  const portable = [
    ...['/usr/bin/kvm', '-name', guest.name, '-m', 128, '-smp', '1', '-pidfile', files.pid],
    ...['-device', 'virtio-balloon', '-daemonize', '-machine', 'pc-i440fx-7.2'],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', 'root=/dev/vda1 console=ttyS0'],
    ...['-monitor', at(files.monitor.file), '-serial', at(files.serial.file), '-usb', '-display', 'none'],
    ...['-uuid', guest.uuid],
  ];
  const id = 'disk-aaaaaaa0-0000-4000';
  const link = join(node1.paths.instanceDisksDir, `${guest.name}:0`);
  const place = { driver: 'virtio-blk-pci', id, bus: 'pci.0', addr: '0xc' };
  const disk = {
    dev_type: 'file',
    uuid: guest.disks[0]!.uuid,
    mode: 'rw',
    size: 32,
    params: {},
    hvinfo: place,
  };
  const local = [
    ...['-net', 'none', '-qmp', at(files.qmp.file), '-qmp', at(files.events.file), '-accel', 'tcg'],
    ...['-device', `virtio-blk-pci,id=${id},bus=pci.0,addr=0xc,drive=${id}`],
    ...['-drive', `file=${link},format=raw,if=none,aio=threads,id=${id},auto-read-only=off`],
  ];
  const hvparams = { ...guest.hvparams, disk_discard: 'default' };
  await writeFile(files.runtime, JSON.stringify([portable, [], hvparams, [[disk, link, null]]]));
  await runChecked([...portable, ...local].map(String));
}

describe('a guest that Ganeti started', () => {
  it('is known, resized, moved and changed like any other', () =>
    within(async (world) => {
      const { driver, other, guest, node1, node2 } = world;
      await startAsGanetiDid(world);
      assert.equal((await driver.info(guest.name, guest.hvparams))?.state, 'running');
      const console = serial(node1, guest);
      await console.waitFor(/tick \d+ at/, bootMs);
      await runChecked(['truncate', '-s', '64M', guest.disks[0]!.path]);
      await driver.resizeDisk(guest, 0, 64);
      await shows(console, 'cat /proc/partitions', /65536 vda/);
      const extra = await makeDisk(world.root, 'bbbbbbb1', 24);
      const larger = { ...guest, disks: [...guest.disks, extra] };
      await linkAll([node1, node2], larger);
      await driver.hotplug(larger, 'add', 'disk', extra.uuid, 1);
      await shows(console, 'cat /proc/partitions', /24576 vdb/);

      const info = await driver.migrationInfo(larger);
      await other!.accept(larger, info, '127.0.0.1');
      const arrived = serial(node2, larger);
      await driver.migrate(larger, '127.0.0.1', true);
      assert.equal((await settled(driver, larger)).status, 'completed');
      await driver.finalizeSource(larger, true, true);
      await other!.finalizeTarget(larger, info, true);
      await arrived.waitFor(/tick \d+ at/, 30_000);
      await other!.hotplug(larger, 'remove', 'disk', guest.disks[0]!.uuid, 0);
      assert.doesNotMatch(await arrived.run('cat /proc/partitions'), /vda/);
      arrived.close();
      console.close();
      await other!.stop(larger, 60);
    }));

  it('loses a disk that it was started with', () =>
    within(async (world) => {
      const { driver, guest, node1 } = world;
      await startAsGanetiDid(world);
      const console = serial(node1, guest);
      await console.waitFor(/tick \d+ at/, bootMs);
      await driver.hotplug(guest, 'remove', 'disk', guest.disks[0]!.uuid, 0);
      assert.doesNotMatch(await console.run('cat /proc/partitions'), /vda/);
      console.close();
    }));
});

describe('a folder that is missing', () => {
  it('is made: the run directory lies in memory', () =>
    within(async ({ driver, guest, node1 }) => {
      await rm(node1.paths.kvmDir, { recursive: true, force: true });
      await mkdir(node1.paths.instanceDisksDir, { recursive: true });
      assert.deepEqual(await driver.list(guest.hvparams), []);
      await driver.start(guest, { paused: false });
      assert.equal((await driver.list(guest.hvparams)).length, 1);
    }));
});
