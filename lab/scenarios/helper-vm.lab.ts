/**
 * Helper virtual machines for real: a cluster of one node with QEMU guests under emulation. A guest with a file system
 * full of what was deleted is exported with its free space zeroed; helpers that never finish, are killed, or lose their
 * master leave the guest as it was. Needs root, for the file systems' owners.
 */
import assert from 'node:assert/strict';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { runChecked, runProcess } from '../../src/kit/process.ts';
import { makeHelperImage, realGuests } from '../harness/helper-image.ts';
import { type GuestImage, guestImage, SerialConsole } from '../harness/local-guest.ts';
import { VirtualLab } from '../harness/virtual.ts';

const name = 'web1.virtual.example';
const node = 'node1';
const bootMs = 90_000;
const commandMs = 300_000;
const mebibyte = 1024 ** 2;
const diskMiB = 32;

/** The system of a helper that fills what is free on the second disk with zeros. */
const zeroingSystem = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
exec </dev/console >/dev/console 2>&1
echo "helper: zeroing"
mount -t ext4 /dev/vdb /mnt && {
  dd if=/dev/zero of=/mnt/zeros bs=64k 2>/dev/null
  sync
  rm /mnt/zeros
  umount /mnt
}
echo "helper: done"
sync
poweroff -f
`;

/** One that is never done, and doesn't heed the power button. */
const busySystem = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
exec </dev/console >/dev/console 2>&1
while :; do echo "helper: busy"; sleep 1; done
`;

let lab: VirtualLab;
let guest: GuestImage;

const run = (command: string) => lab.output(node, command.split(' '), { timeoutMs: commandMs });
const images = () => join(lab.root(node), 'srv/images');

const diskFiles = async () => {
  const folder = join(lab.root(node), 'srv/ganeti/file-storage', name);
  return (await readdir(folder)).map((file) => join(folder, file));
};

/** MiB of a file that hold nothing but zeros. */
async function zeroMiB(file: string): Promise<number> {
  const data = await readFile(file);
  const zeros = Buffer.alloc(mebibyte);
  let count = 0;
  for (let at = 0; at + mebibyte <= data.length; at += mebibyte)
    if (data.subarray(at, at + mebibyte).equals(zeros)) count += 1;
  return count;
}

const serial = () => new SerialConsole(join(lab.paths(node).runDir, 'kvm-hypervisor/ctrl', `${name}.serial`));

/** Waits until the guest's own system talks; gives what it found on its disk. */
async function guestTalks(): Promise<number> {
  const console = serial();
  try {
    await console.waitFor(/tick \d+ at/, bootMs);
    return Number(/counter found on disk: (\d+)/.exec(console.text)?.[1] ?? -1);
  } finally {
    console.close();
  }
}

const status = async () =>
  (await run(`gnt-instance list --no-headers --separator=: -o status,admin_state,disk.count ${name}`)).trim();

/** What is to be the same again after a helper that failed. */
const configured = () =>
  run(`gnt-instance info ${name}`).then((text) => text.replace(/^.*(modification|serial).*$/gim, ''));

/** The process of the QEMU that runs; undefined when none does. */
async function qemuPid(): Promise<number | undefined> {
  const file = join(lab.paths(node).runDir, 'kvm-hypervisor/pid', name);
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(text.trim()) || undefined;
}

async function waitForHelper(): Promise<void> {
  const found = await pollUntil(async () => ((await diskFiles()).length > 1 ? true : undefined), {
    everyMs: 100,
    timeoutMs: bootMs,
  });
  assert.ok(found, 'no disk was made for the helper');
  const console = await pollUntil(
    async () => {
      const next = serial();
      const said = await next.waitFor(/helper: busy/, 3000).catch(() => undefined);
      next.close();
      return said;
    },
    { everyMs: 200, timeoutMs: bootMs },
  );
  assert.ok(console, 'the helper does not talk');
}

describe('helper virtual machines', () => {
  before(async () => {
    guest = await guestImage();
    lab = await VirtualLab.up({ nodes: 1 });
    const hv = await realGuests(lab, node, guest);
    await cp(resolve(import.meta.dirname, '../os/busybox'), join(lab.root(node), 'srv/ganeti/os/busybox'), {
      recursive: true,
    });
    await makeHelperImage(join(images(), 'zero.raw'), zeroingSystem);
    await makeHelperImage(join(images(), 'busy.raw'), busySystem);
    await run(`gnt-cluster modify --enabled-hypervisors=fake,kvm --hypervisor-parameters=kvm:${hv}`);
    await run(
      'gnt-cluster modify --ipolicy-disk-templates=file,diskless,sharedfile --zeroing-image=/srv/images/zero.raw',
    );
    await run(
      `gnt-instance add -H kvm -t file -s ${diskMiB}M -o busybox+default -B memory=96 --no-nics -n ${node}.virtual.example --no-start ${name}`,
    );
    // What was written and deleted again: the file system calls it free, an export would carry it.
    const [disk] = await diskFiles();
    const junk = join(lab.directory, 'junk');
    await runChecked(['sh', '-c', `dd if=/dev/urandom of=${junk} bs=1M count=14 status=none`]);
    await runChecked(['debugfs', '-w', '-R', `write ${junk} junk`, disk!]);
    await runChecked(['debugfs', '-w', '-R', 'rm junk', disk!]);
  });
  after(async () => {
    await runProcess([join(lab.root(node), 'cmd'), 'gnt-instance', 'shutdown', '--timeout=0', name]);
    await lab.down();
    await guest.remove();
  });

  test('free space is zeros in the export, the guest runs again with what it wrote', async () => {
    const [disk] = await diskFiles();
    const before = await zeroMiB(disk!);
    await run(`gnt-instance start ${name}`);
    await guestTalks();
    const console = serial();
    const [, synced] = await console.waitFor(/synced (\d+)/, bootMs);
    console.close();
    const said = await run(
      `gnt-backup export --zero-free-space --long-sleep -n ${node}.virtual.example ${name}`,
    );
    assert.match(said, /Zeroing free disk space: Helper VM execution completed/);
    assert.equal(await status(), 'running:up:1');
    assert.ok((await guestTalks()) >= Number(synced), 'the guest lost what it had written');
    assert.deepEqual(await diskFiles(), [disk]);
    const zeroed = await zeroMiB(disk!);
    assert.ok(zeroed >= before + 10, `${before} MiB of zeros before, ${zeroed} after`);
    const folder = join(lab.paths(node).exportDir, name);
    const [dump] = (await readdir(folder)).filter((file) => file !== 'config.ini');
    const exported = await zeroMiB(join(folder, dump!));
    assert.ok(exported >= before + 10, `${exported} MiB of zeros in the export`);
    process.stdout.write(`zeros: ${before} MiB before, ${zeroed} MiB after, ${exported} MiB in the export\n`);
  });

  test('a helper that is never done is ended, and the guest runs again', async () => {
    await run('gnt-cluster modify --zeroing-image=/srv/images/busy.raw');
    const [before, disks] = [await configured(), await diskFiles()];
    const words = '--zero-free-space --long-sleep --zeroing-timeout-fixed=5 --zeroing-timeout-per-mib=0';
    const result = await lab.run(
      node,
      `gnt-backup export ${words} -n ${node}.virtual.example ${name}`.split(' '),
      { timeoutMs: commandMs },
    );
    assert.equal(result.code, 1);
    assert.match(result.stderr, /Error running helper VM with image \/srv\/images\/busy\.raw/);
    assert.match(
      result.stdout + result.stderr,
      /WARNING: Zeroing free disk space: Helper VM has not finished within the timeout; shutting it down forcibly/,
    );
    assert.equal(await status(), 'running:up:1');
    assert.ok((await guestTalks()) > 0);
    assert.deepEqual([await configured(), await diskFiles()], [before, disks]);
  });

  const exporting = () =>
    lab.run(
      node,
      `gnt-backup export --zero-free-space --long-sleep -n ${node}.virtual.example ${name}`.split(' '),
      { timeoutMs: commandMs },
    );

  test('a helper that is killed has not done its work, and the guest runs again', async () => {
    const disks = await diskFiles();
    const result = exporting();
    await waitForHelper();
    process.kill((await qemuPid())!, 'SIGKILL');
    const { code, stderr } = await result;
    assert.deepEqual([code, /ended without having shut down/.test(stderr)], [1, true], stderr);
    assert.equal(await status(), 'running:up:1');
    assert.deepEqual(await diskFiles(), disks);
  });

  test('the master dies beside a helper: the next one ends it, and the guest runs again', async () => {
    const disks = await diskFiles();
    const result = exporting();
    await waitForHelper();
    const before = lab.killDaemon(node, 'ganeti-masterd');
    await lab.waitForDaemon(node, 'ganeti-masterd', before);
    await lab.waitForMaster(node);
    await result;
    const same = await pollUntil(
      async () => ((await diskFiles()).length === disks.length ? true : undefined),
      { everyMs: 500, timeoutMs: bootMs },
    );
    assert.ok(same, 'the disk of the helper is still there');
    assert.ok((await guestTalks()) > 0);
    assert.equal(await status(), 'running:up:1');
  });
});
