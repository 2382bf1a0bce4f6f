/**
 * The KVM driver against real QEMU on this machine, under emulation: what must hold of every driver, and
 * what only KVM can do. Needs root for taps, users and folders of confinement.
 */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { driverSuite } from '../../src/hypervisors/contract.suite.ts';
import { about } from '../../src/hypervisors/kvm/about.ts';
import { guestFiles } from '../../src/hypervisors/kvm/host/layout.ts';
import { guestProcess } from '../../src/hypervisors/kvm/qemu/process.ts';
import { pollUntil } from '../../src/kit/clock.ts';
import { runChecked, runProcess } from '../../src/kit/process.ts';
import {
  boot,
  bridge,
  clearHost,
  leftovers,
  linkAll,
  makeDisk,
  nicOn,
  node,
  openWorld,
  prepareHost,
  shows,
  userOf,
  within,
} from '../harness/kvm-world.ts';

before(prepareHost);
after(clearHost);

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
        await driver.stop(guest, 0);
        assert.equal(await driver.info(guest.name, guest.hvparams), null);
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
