import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathsFor } from '../../../kit/paths.ts';
import { guestFiles, longestSocketPath } from '../host/layout.ts';
import { tapOf } from '../host/taps.ts';
import { freeUid, parsePasswdLine } from '../host/users.ts';
import { chooseAccelerator, trialSector } from './accel.ts';
import { guestProcess, parseCommandLine, parseCpuTime } from './process.ts';
import { isAtLeast, parseDeviceDrivers, parseMachines, parseVersion } from './programs.ts';
import { judge } from './shutdown-watch.ts';

describe('what QEMU says of itself', () => {
  it('is its version', () => {
    assert.deepEqual(
      parseVersion('QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nx'),
      [7, 2, 22],
    );
    assert.deepEqual(parseVersion('QEMU PC emulator version 0.12.5 (qemu-kvm-0.12.5)'), [0, 12, 5]);
    assert.deepEqual(parseVersion('QEMU emulator version 10.0'), [10, 0, 0]);
    assert.throws(() => parseVersion('bash: not found'), /Unable to get KVM version/);
    assert.ok(isAtLeast([7, 2, 0], 7, 1) && isAtLeast([8, 0, 0], 7, 1) && !isAtLeast([7, 0, 9], 7, 1));
  });
  it('is the machines that it can be', () => {
    const text = [
      'Supported machines are:',
      'pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)',
      'pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)',
      'none                 empty machine',
    ];
    const { machines, defaultMachine } = parseMachines(text.join('\n'));
    assert.deepEqual(machines, ['pc', 'pc-i440fx-7.2', 'none']);
    assert.equal(defaultMachine, 'pc-i440fx-7.2');
    assert.equal(parseMachines('').defaultMachine, 'pc');
  });
  it('is the devices that it has', () => {
    const drivers = parseDeviceDrivers(
      'Storage devices:\nname "ide-hd", bus IDE\nname "virtio-blk-pci", bus PCI, alias "virtio-blk"\n',
    );
    assert.deepEqual([...drivers], ['ide-hd', 'virtio-blk-pci']);
  });
});

describe('guests as processes', () => {
  const line = '/usr/bin/kvm\0-name\0inst1,debug-threads=on\0-m\x00512\0-smp\x002,cores=2\0-pidfile\0/p\0';
  it('are told from others by their command line', () => {
    assert.deepEqual(parseCommandLine(7, line), {
      pid: 7,
      name: 'inst1',
      memory: 512,
      vcpus: 2,
      pidFile: '/p',
    });
    assert.equal(parseCommandLine(7, 'bash\0'), null);
  });
  it('have used so much time', () => {
    const fields = ['S', ...Array.from({ length: 10 }, () => '0'), '150', '50', '0'];
    assert.equal(parseCpuTime(`7 (a) b) ${fields.join(' ')}`), 2);
    assert.equal(parseCpuTime(''), 0);
  });
  it('are gone when their number belongs to somebody else', async () => {
    const root = await mkdtemp(join(tmpdir(), 'gantry-pid-'));
    const files = { ...guestFiles(pathsFor({ GANETI_ROOTDIR: root }), 'inst1'), pid: join(root, 'pid') };
    assert.equal(await guestProcess(files), null);
    for (const text of [String(process.pid), '999999999', '0', '-1', 'x', '']) {
      await writeFile(files.pid, text);
      assert.equal(await guestProcess(files), null, text);
    }
    await rm(root, { recursive: true });
  });
});

describe('files of guests', () => {
  it('have the names that Ganeti gives them', () => {
    const files = guestFiles(pathsFor({}), 'inst1.example.com');
    const run = '/var/run/ganeti/kvm-hypervisor';
    assert.equal(files.pid, `${run}/pid/inst1.example.com`);
    assert.equal(files.runtime, `${run}/conf/inst1.example.com.runtime`);
    for (const [kind, socket] of [
      ['monitor', files.monitor],
      ['serial', files.serial],
      ['qmp', files.qmp],
      ['kvmd', files.events],
      ['qga', files.guestAgent],
    ] as const) {
      const path = `${run}/ctrl/inst1.example.com.${kind}`;
      assert.deepEqual(socket, { argument: path, file: path });
    }
  });
  it('are sockets that the kernel takes, however long the names', () => {
    for (const root of ['', `/${'r'.repeat(60)}`]) {
      for (const length of [20, 70, 100, 250]) {
        const name = 'i'.repeat(length);
        const { qmp, monitor } = guestFiles(pathsFor({ GANETI_ROOTDIR: root }), name);
        assert.ok(Buffer.byteLength(qmp.argument) <= longestSocketPath);
        assert.ok(qmp.file.endsWith(qmp.argument));
        assert.notEqual(qmp.file, monitor.file);
      }
    }
    const one = guestFiles(pathsFor({}), `${'i'.repeat(200)}1`).qmp.file;
    assert.notEqual(one, guestFiles(pathsFor({}), `${'i'.repeat(200)}2`).qmp.file);
  });
  it('stay in their folders', () => {
    for (const name of ['../x', 'a/b', '', '-x', '.hidden'])
      assert.throws(() => guestFiles(pathsFor({}), name), /Invalid instance name/);
  });
});

describe('the accelerator', () => {
  it('is KVM when it works and is no burden', () => {
    const took = (duration: number | null) => ({ duration, fault: duration === null ? 'x' : null });
    assert.equal(chooseAccelerator(took(100), null), 'kvm');
    assert.equal(chooseAccelerator(took(null), null), 'tcg');
    assert.equal(chooseAccelerator(took(3500), took(150)), 'tcg');
    assert.equal(chooseAccelerator(took(3500), took(3000)), 'kvm');
    assert.equal(chooseAccelerator(took(3500), took(null)), 'kvm');
  });
  it('is tried with a sector that starts', () => {
    const sector = trialSector();
    assert.equal(sector.length, 512);
    assert.deepEqual([...sector.slice(510)], [0x55, 0xaa]);
  });
});

describe('users of guests', () => {
  it('are read from the password file', () => {
    assert.deepEqual(parsePasswdLine('nobody:x:65534:65534:n:/:/usr/sbin/nologin\n'), {
      name: 'nobody',
      uid: 65534,
      gid: 65534,
    });
    assert.equal(parsePasswdLine('x:y\n'), null);
  });
  it('of a pool belong to one guest', () => {
    const pool = [[10, 12], [20]];
    assert.equal(freeUid(pool, new Set()), 10);
    assert.equal(freeUid(pool, new Set([10, 11, 12])), 20);
    assert.equal(freeUid(pool, new Set([10, 11, 12, 20])), null);
    assert.equal(freeUid([], new Set()), null);
  });
});

it('shutdowns from inside are told from those that were asked for', () => {
  const shutdown = (guest: boolean) => ({ event: 'SHUTDOWN', data: { guest, reason: 'x' } });
  assert.equal(judge(shutdown(true), false), 'user');
  assert.equal(judge(shutdown(true), true), 'asked');
  assert.equal(judge(shutdown(false), false), 'other');
  assert.equal(judge({ event: 'POWERDOWN', data: {} }, false), 'asked');
  assert.equal(judge({ event: 'RTC_CHANGE', data: {} }, true), 'asked');
});

it('taps are found by uuid first, then by index', () => {
  const notes = new Map([
    ['0', 'tap0'],
    ['1', 'tap5'],
    ['u1', 'tap1'],
  ]);
  assert.equal(tapOf(notes, 1, { uuid: 'u1' }), 'tap1');
  assert.equal(tapOf(notes, 0, { uuid: 'u0' }), 'tap0');
  assert.equal(tapOf(notes, 7, { uuid: 'u7' }), undefined);
});
