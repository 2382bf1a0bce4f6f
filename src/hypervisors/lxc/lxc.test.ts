import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import type { Parameters } from '../../model/objects/common.ts';
import { driverSuite } from '../contract.suite.ts';
import type { Guest } from '../contract.ts';
import { guestFor } from '../guest.fixture.ts';
import { about } from './about.ts';
import { containerConfig, isAtLeast, type LxcFacts, parseLxcVersion } from './config.ts';
import { lxcDriver } from './driver.ts';
import { LxcTool, parseCpuUsage } from './tool.ts';

const commands = ['lxc-cgroup', 'lxc-console', 'lxc-ls', 'lxc-start', 'lxc-stop', 'lxc-wait'];
const modern: LxcFacts = { version: [5, 0, 2], cgroup: 2, swapLimit: false };
const old: LxcFacts = { version: [1, 0, 6], cgroup: 1, swapLimit: true };
const nic = {
  ...{ uuid: 'u', mac: 'aa:00:00:00:00:01', ip: null, name: null, mode: 'bridged', link: 'br0', vlan: '' },
  network: null,
};

function guestWith(hvparams: Parameters = {}, changes: Partial<Guest> = {}): Guest {
  const guest = guestFor(about, changes);
  return { ...guest, hvparams: { ...guest.hvparams, ...hvparams } };
}

describe('the configuration of a container', () => {
  const wish = guestWith(
    {
      cpu_mask: '0-1',
      devices: 'c 1:3 rw,c 1:5 rw',
      drop_capabilities: 'sys_time,sys_module',
      extra_config: 'lxc.a = 1,lxc.b = 2',
      num_ttys: 4,
    },
    { nics: [nic] },
  );

  it('is written for the LXC of today', () => {
    assert.deepEqual(containerConfig(wish, '/dev/x', '/log', modern).trimEnd().split('\n'), [
      'lxc.uts.name = inst1.example.com',
      'lxc.pty.max = 255',
      'lxc.tty.max = 4',
      'lxc.console.logfile = /log',
      'lxc.rootfs.path = /dev/x',
      'lxc.mount.entry = proc proc proc nodev,noexec,nosuid 0 0',
      'lxc.mount.entry = sysfs sys sysfs defaults 0 0',
      'lxc.cgroup2.cpuset.cpus = 0-1',
      'lxc.cgroup2.memory.max = 128M',
      'lxc.cgroup2.devices.deny = a',
      'lxc.cgroup2.devices.allow = c 1:3 rw',
      'lxc.cgroup2.devices.allow = c 1:5 rw',
      '# NIC 0',
      'lxc.net.0.type = veth',
      'lxc.net.0.link = br0',
      'lxc.net.0.hwaddr = aa:00:00:00:00:01',
      'lxc.net.0.flags = up',
      'lxc.cap.drop = sys_time',
      'lxc.cap.drop = sys_module',
      '# User defined configs',
      'lxc.a = 1',
      'lxc.b = 2',
    ]);
  });

  it('is written for the LXC that Ganeti knew', () => {
    const lines = containerConfig(wish, '/dev/x', '/log', old).split('\n');
    for (const wanted of [
      'lxc.utsname = inst1.example.com',
      'lxc.pts = 255',
      'lxc.tty = 4',
      'lxc.rootfs = /dev/x',
      'lxc.cgroup.memory.limit_in_bytes = 128M',
      'lxc.cgroup.memory.memsw.limit_in_bytes = 128M',
      'lxc.network.link = br0',
    ]) {
      assert.ok(lines.includes(wanted), wanted);
    }
  });

  it('refuses what a container cannot have', () => {
    const config = (guest: Guest) => containerConfig(guest, '/dev/x', '/log', modern);
    assert.throws(() => config(guestWith({ cpu_mask: '0' })), /Number of VCPUs \(2\) doesn't match .* \(1\)/);
    assert.throws(
      () => config(guestWith({}, { nics: [{ ...nic, mode: 'routed' }] })),
      /only supports bridged mode/,
    );
    assert.throws(() => config(guestWith({ devices: 'a\nlxc.rootfs.path = /' })), /can't stand in an LXC/);
  });
});

it('versions are compared as numbers', () => {
  assert.deepEqual(parseLxcVersion('1.0.10-beta\n'), [1, 0, 10]);
  assert.throws(() => parseLxcVersion('none'), /not a valid LXC version string/);
  assert.ok(isAtLeast([2, 1, 0], 2, 1) && isAtLeast([3, 0, 0], 2, 1) && !isAtLeast([2, 0, 9], 2, 1));
});

it('processor time is read from either version of control groups', () => {
  assert.equal(parseCpuUsage('2500000000\n'), 2.5);
  assert.equal(parseCpuUsage('usage_usec 2500000\nuser_usec 1\n'), 2.5);
});

async function open() {
  const root = await mkdtemp(join(tmpdir(), 'gantry-lxc-'));
  for (const command of commands) {
    await copyFile(new URL('./lxc.stand-in.sh', import.meta.url), join(root, command));
    await chmod(join(root, command), 0o755);
  }
  await writeFile(join(root, 'version'), '5.0.2\n');
  await mkdir(join(root, 'proc/self'), { recursive: true });
  await writeFile(join(root, 'proc/self/mounts'), 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n');
  await mkdir(join(root, 'sys/fs/cgroup'), { recursive: true });
  await writeFile(join(root, 'sys/fs/cgroup/cgroup.controllers'), 'cpuset memory\n');
  await writeFile(join(root, 'disk'), '');
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  const disk = {
    ...{ uuid: 'd', name: null, path: join(root, 'disk'), template: 'file', sizeMiB: 1 },
    mode: 'rw' as const,
  };
  return {
    ...{ root, paths },
    driver: lxcDriver({ paths, log: silentLog }, new LxcTool(`${root}/`, root)),
    guest: guestWith({ drop_capabilities: 'sys_time' }, { disks: [disk], nics: [nic] }),
    close: () => rm(root, { recursive: true, force: true }),
  };
}

driverSuite(about, open);

it('control groups that are missing are named, and commands as well', async () => {
  const { driver, root, close } = await open();
  await writeFile(
    join(root, 'proc/self/mounts'),
    'cgroup /c cgroup rw,cpuset 0 0\ncgroup /d cgroup rw,cpuacct,devices 0 0\n',
  );
  await rm(join(root, 'lxc-wait'));
  await writeFile(join(root, 'lxc-stop'), '#!/bin/sh\necho 0.9.1\n');
  assert.equal(
    await driver.verify({ extra_cgroups: 'freezer' }),
    "LXC version >= 1.0.0 is required but command lxc-stop has version 0.9.1; Required command lxc-wait not found; cgroup subsystem 'memory' is not mounted; cgroup subsystem 'freezer' is not mounted",
  );
  await close();
});

describe('a container', () => {
  it('needs exactly one disk', async () => {
    const { driver, guest, close } = await open();
    await assert.rejects(
      driver.start({ ...guest, disks: [] }, { paused: false }),
      /cannot have diskless instances/,
    );
    const two = { ...guest, disks: [guest.disks[0]!, guest.disks[0]!] };
    await assert.rejects(driver.start(two, { paused: false }), /more than one disk/);
    await close();
  });

  it('that cannot start says why and leaves nothing', async () => {
    const { driver, guest, root, paths, close } = await open();
    await writeFile(join(root, 'refuse'), '');
    await assert.rejects(driver.start(guest, { paused: false }), /Failed to start instance .*no cgroups/);
    assert.deepEqual(await readdir(join(paths.runDir, 'lxc/instance')), []);
    await close();
  });

  it('that does not hear is killed when time is up', async () => {
    const { driver, guest, root, close } = await open();
    await driver.start(guest, { paused: false });
    await writeFile(join(root, 'deaf'), '');
    await driver.stop(guest, 0.05);
    assert.equal(await driver.info(guest.name, {}), null);
    await close();
  });

  it('cannot reboot without the right to', async () => {
    const { driver, guest, close } = await open();
    await driver.start(guest, { paused: false });
    const bound = { ...guest, hvparams: { ...guest.hvparams, drop_capabilities: 'sys_boot' } };
    await assert.rejects(driver.reboot(bound), /SYS_BOOT capability dropped/);
    await close();
  });

  it('has the memory that it was given last', async () => {
    const { driver, guest, root, close } = await open();
    await driver.start(guest, { paused: false });
    assert.equal((await driver.info(guest.name, {}))?.memory, 128);
    await driver.balloon(guest, 100);
    assert.equal((await driver.info(guest.name, {}))?.memory, 100);
    assert.match(
      await readFile(join(root, 'running', guest.name, 'config'), 'utf8'),
      /lxc\.rootfs\.path = .*\/disk/,
    );
    await close();
  });
});
