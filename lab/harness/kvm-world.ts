/**
 * Guests of real QEMU on this machine, under emulation. Two roots stand for two nodes; guests move between them
 * over the loopback device. Needs root for taps, users and folders of confinement.
 */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriverWorld } from '../../src/hypervisors/contract.suite.ts';
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
import { type GuestImage, guestImage, SerialConsole } from './local-guest.ts';

export const bridge = 'gantrytest0';
export const bootMs = 120_000;
let image: GuestImage | undefined;

export interface Node {
  readonly paths: Paths;
  readonly driver: HypervisorDriver;
}

export interface World extends DriverWorld {
  readonly root: string;
  readonly node1: Node;
  readonly node2: Node;
}

export async function node(root: string): Promise<Node> {
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  return { paths, driver: await kvmDriver({ paths, log: silentLog }) };
}

let port = 18102;

export async function makeDisk(root: string, name: string, sizeMiB: number): Promise<GuestDisk> {
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
export async function linkAll(nodes: readonly Node[], guest: Guest): Promise<void> {
  for (const { paths } of nodes) {
    await unlinkDisks(paths, guest.name);
    for (const [index, disk] of guest.disks.entries()) await linkDisk(paths, guest.name, index, disk.path);
  }
}

export async function openWorld(
  changes: Partial<Guest> = {},
  hvparams: Guest['hvparams'] = {},
): Promise<World> {
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
      kernel_path: bootImage().kernel,
      initrd_path: bootImage().initrd,
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

export async function within(
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

export function serial({ paths }: Node, guest: Guest): SerialConsole {
  return new SerialConsole(guestFiles(paths, guest.name).serial.file);
}

export async function boot(world: World): Promise<SerialConsole> {
  await world.driver.start(world.guest, { paused: false });
  const console = serial(world.node1, world.guest);
  await console.waitFor(/tick \d+ at/, bootMs);
  return console;
}

export async function settled(driver: HypervisorDriver, guest: Guest) {
  const end = await pollUntil(
    async () => {
      const progress = await driver.migrationStatus(guest);
      return progress.status === 'active' ? undefined : progress;
    },
    { everyMs: 100, timeoutMs: 120_000 },
  );
  return end ?? assert.fail('the migration does not end');
}

/** Makes the other node ready for the guest; what it is told of it. */
export async function announce({ driver, other }: World, guest: Guest): Promise<string> {
  const info = await driver.migrationInfo(guest);
  await other!.accept(guest, info, '127.0.0.1');
  return info;
}

/** Sends the guest off to the other node, where its console is listened to. */
export async function depart(world: World, guest: Guest, live = true) {
  const info = await announce(world, guest);
  const arrived = serial(world.node2, guest);
  await world.driver.migrate(guest, '127.0.0.1', live);
  return { info, arrived };
}

/** Lets both nodes know that it has arrived. */
export async function finish({ driver, other }: World, guest: Guest, info: string, live = true) {
  await driver.finalizeSource(guest, true, live);
  await other!.finalizeTarget(guest, info, true);
}

/** What the guest shows once it has taken notice. */
export async function shows(console: SerialConsole, command: string, pattern: RegExp): Promise<void> {
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
export async function leftovers({ paths }: Node): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['pid', 'uid', 'ctrl', 'conf', 'nic', 'chroot']) {
    const names = await readdir(join(paths.kvmDir, folder)).catch(() => []);
    found.push(...names.map((name) => `${folder}/${name}`));
  }
  return found;
}

export async function userOf({ paths }: Node, guest: Guest): Promise<number> {
  const running = await guestProcess(guestFiles(paths, guest.name));
  return (await stat(`/proc/${running!.pid}`)).uid;
}

export const nicOn = (uuid: string, mac: string, link = bridge) =>
  ({ uuid, mac, ip: null, name: null, mode: 'bridged', link, vlan: '', network: null }) as const;

/** What the guests of a test boot. */
export function bootImage(): GuestImage {
  return image ?? assert.fail('prepareHost comes first');
}

/** The image and the bridges; to be done before the first guest. */
export async function prepareHost(): Promise<void> {
  image = await guestImage();
  for (const name of [bridge, `${bridge}b`]) {
    await runProcess(['ip', 'link', 'del', name]);
    await runChecked(['ip', 'link', 'add', name, 'type', 'bridge']);
    await runChecked(['ip', 'link', 'set', name, 'up']);
  }
}

export async function clearHost(): Promise<void> {
  await image?.remove();
  for (const name of [bridge, `${bridge}b`]) await runProcess(['ip', 'link', 'del', name]);
}
