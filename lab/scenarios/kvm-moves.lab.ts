/**
 * Guests of real QEMU on the move between two nodes of this machine, and those that Ganeti started: what a
 * migration keeps, and what is left when it ends badly. Needs root for taps.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { guestFiles } from '../../src/hypervisors/kvm/host/layout.ts';
import { guestProcess } from '../../src/hypervisors/kvm/qemu/process.ts';
import { pollUntil } from '../../src/kit/clock.ts';
import { runChecked } from '../../src/kit/process.ts';
import { lostTicks, readGuestConsole } from '../harness/guest-console.ts';
import {
  announce,
  boot,
  bootImage,
  bootMs,
  clearHost,
  depart,
  finish,
  leftovers,
  linkAll,
  makeDisk,
  prepareHost,
  serial,
  settled,
  shows,
  type World,
  within,
} from '../harness/kvm-world.ts';

before(prepareHost);
after(clearHost);

describe('a live migration', () => {
  it('loses no tick, keeps devices that came while it ran, and reports how long the guest stood still', () =>
    within(async (world) => {
      const { driver, other, node1, node2 } = world;
      const console = await boot(world);
      const extra = await makeDisk(world.root, 'bbbbbbb1', 24);
      const guest = { ...world.guest, disks: [...world.guest.disks, extra] };
      await linkAll([node1, node2], guest);
      await driver.hotplug(guest, 'add', 'disk', extra.uuid, 1);

      const { info, arrived } = await depart(world, guest);
      const end = await settled(driver, guest);
      assert.equal(end.status, 'completed', end.message ?? '');
      assert.ok(end.downtimeMs !== null && end.transferredMiB! > 0);
      const states = await Promise.all([driver, other!].map((each) => each.info(guest.name, guest.hvparams)));
      assert.deepEqual(
        states.map((each) => each?.state),
        ['paused', 'running'],
        'each node knows without the other where the guest is',
      );
      await finish(world, guest, info);
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
      const { driver, node1, node2 } = world;
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
      const { info, arrived } = await depart(world, one);
      assert.equal((await settled(driver, one)).status, 'completed');
      await finish(world, one, info);
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
        const info = await announce(world, guest);
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
        const info = await announce(world, guest);
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
          const { driver, guest } = world;
          const console = await boot(world);
          const { info, arrived } = await depart(world, guest, live);
          const end = await pollUntil(
            async () => {
              const { status, message } = await driver.migrationStatus(guest);
              assert.ok(['active', 'postcopy', 'completed'].includes(status), message ?? status);
              return status === 'completed' ? true : undefined;
            },
            { everyMs: 100, timeoutMs: 120_000 },
          );
          assert.equal(end, true);
          await finish(world, guest, info, live);
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
    ...[
      '-kernel',
      bootImage().kernel,
      '-initrd',
      bootImage().initrd,
      '-append',
      'root=/dev/vda1 console=ttyS0',
    ],
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

      const { info, arrived } = await depart(world, larger);
      assert.equal((await settled(driver, larger)).status, 'completed');
      await finish(world, larger, info);
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
