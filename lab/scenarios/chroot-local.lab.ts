/**
 * The chroot driver for real: an instance on a file system in a file, whose script starts a process that
 * stays. Needs root for mounts.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { about } from '../../src/hypervisors/chroot/about.ts';
import { chrootDriver } from '../../src/hypervisors/chroot/driver.ts';
import { driverSuite } from '../../src/hypervisors/contract.suite.ts';
import { guestFor } from '../../src/hypervisors/guest.fixture.ts';
import { readMountPoints } from '../../src/hypervisors/mounts.ts';
import { silentLog } from '../../src/kit/log.ts';
import { pathsFor } from '../../src/kit/paths.ts';
import { runChecked, runProcess } from '../../src/kit/process.ts';

/** Starts a process that stays, ends it when told to; a deaf one must be ended by force. */
const script = `#!/bin/sh
case $1 in
  start) mkdir -p /proc; mount -t proc proc /proc; if [ -e /deaf ]; then setsid sh -c 'trap "" TERM; while :; do sleep 1; done' & else setsid sleep 1000 & fi ;;
  stop) [ -e /deaf ] || kill $(pidof sleep); echo stopped >/stopped ;;
esac >/log 2>&1
`;

async function makeDisk(root: string): Promise<string> {
  const disk = join(root, 'disk');
  const tree = join(root, 'tree');
  await mkdir(join(tree, 'bin'), { recursive: true });
  await runChecked(['cp', '/usr/bin/busybox', join(tree, 'bin/busybox')]);
  for (const applet of ['sh', 'sleep', 'setsid', 'kill', 'pidof', 'mkdir', 'mount']) {
    await runChecked(['ln', '-s', 'busybox', join(tree, 'bin', applet)]);
  }
  await mkdir(join(tree, 'dev'));
  await writeFile(join(tree, 'dev/null'), '');
  await writeFile(join(tree, 'ganeti-chroot'), script, { mode: 0o755 });
  await runChecked(['truncate', '-s', '8M', disk]);
  await runChecked(['mkfs.ext4', '-q', '-d', tree, disk]);
  return disk;
}

async function open() {
  const root = await mkdtemp(join(tmpdir(), 'gantry-chroot-'));
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  const driver = chrootDriver({ paths, log: silentLog });
  const path = await makeDisk(root);
  const disk = { uuid: 'd', name: null, path, mode: 'rw' as const, template: 'file', sizeMiB: 8 };
  const guest = guestFor(about, { disks: [disk] });
  const folder = join(paths.runDir, 'chroot-hypervisor', guest.name);
  const close = async () => {
    await driver.stop(guest, 0);
    await driver.cleanUp(guest);
    await rm(root, { recursive: true });
  };
  return { driver, guest, folder, path, close };
}

before(async () => {
  if ((await runProcess(['dpkg', '-s', 'busybox-static'])).code !== 0) {
    await runChecked(['apt-get', 'install', '-qq', '-y', 'busybox-static']);
  }
});

driverSuite(about, open, { reboot: false });

describe('a chroot', () => {
  it('is stopped by its script, and leaves no mount', async () => {
    const { driver, guest, folder, close } = await open();
    await driver.start(guest, { paused: false });
    assert.deepEqual((await driver.console(guest)).command, ['chroot', folder, '/bin/sh']);
    await driver.stop(guest, 20);
    assert.equal(await readFile(join(folder, 'stopped'), 'utf8'), 'stopped\n');
    await driver.cleanUp(guest);
    assert.deepEqual(
      (await readMountPoints()).filter((point) => point.startsWith(folder)),
      [],
    );
    await close();
  });

  it('whose script fails leaves no mount', async () => {
    const { driver, guest, folder, close } = await open();
    const broken = { ...guest, hvparams: { init_script: '/nosuch' } };
    await assert.rejects(driver.start(broken, { paused: false }), /Can't run the chroot start script/);
    assert.ok(!(await readMountPoints()).includes(folder));
    await close();
  });

  it('whose processes do not end when told to is ended by force', async () => {
    const { driver, guest, folder, close } = await open();
    await runChecked(['mkdir', '-p', folder]);
    await driver.start(guest, { paused: false });
    await driver.stop(guest, 0);
    await writeFile(join(folder, 'deaf'), '');
    await driver.start(guest, { paused: false });
    await driver.stop(guest, 5);
    assert.equal(await driver.info(guest.name, {}), null);
    await close();
  });
});
