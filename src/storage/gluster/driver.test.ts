import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createStorageDrivers } from '../catalog.ts';
import { storageContract } from '../contract.suite.ts';
import { createMachines } from '../machine.fixture.ts';
import { disk, request } from '../request.fixture.ts';
import { isMounted, volumeOf } from './volume.ts';

const template = 'gluster';
const folder = '/var/run/ganeti/gluster';

async function world(params: Record<string, string | number> = {}, path = 'ganeti/u1.0') {
  const root = mkdtempSync(join(tmpdir(), 'gluster-'));
  const [machine] = createMachines(1, root);
  const { files, programs } = machine!;
  files.set(`${root}/etc/ganeti/file-storage-paths`, `${folder}\n`);
  programs.set('mount', (argv) => {
    files.set(
      '/proc/self/mounts',
      `proc /proc proc rw 0 0\n127.0.0.1:/gv0 ${argv.at(-1)} fuse.glusterfs rw 0 0\n`,
    );
    return { code: 0, stdout: '', stderr: '' };
  });
  const driver = await createStorageDrivers(machine!).driver(template);
  const made = request(disk(template, ['loop', path], 16));
  mkdirSync(join(root, folder), { recursive: true });
  const tree = () =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .map((name) => [name, statSync(join(root, folder, name))] as const)
      .filter(([, found]) => found.isFile())
      .map(([name, found]) => [name, found.size]);
  return {
    machine: machine!,
    root,
    driver,
    request: { ...made, params: { ...made.params, ...params } },
    snapshot: tree,
    otherId: ['loop', 'ganeti/u2.0'],
    tearDown: () => rmSync(root, { recursive: true }),
  };
}
const fresh = { info: 'x', onPrimary: true, mustBeNew: true };

storageContract(template, () => world());

describe('files on Gluster', () => {
  test('the volume is mounted once, with Ganeti’s command', async () => {
    const made = await world();
    await made.driver.create(made.request, fresh);
    await made.driver.assemble(made.request, true);
    const mounts = made.machine.commands.filter((command) => command.startsWith('mount'));
    assert.deepEqual(mounts, [
      `mount -t glusterfs -o server-port=24007 127.0.0.1:/gv0 ${made.root}${folder}`,
    ]);
    made.tearDown();
  });

  test('userspace access has a URI', async () => {
    const made = await world({ access: 'userspace', host: '2001:db8::1' });
    await made.driver.create(made.request, fresh);
    const { uri } = await made.driver.assemble(made.request, true);
    assert.equal(uri, 'gluster://[2001:db8::1]:24007/gv0/ganeti/u1.0');
    made.tearDown();
  });

  test('a mount that did not happen is said, with what to try', async () => {
    const made = await world();
    made.machine.programs.set('mount', () => ({ code: 0, stdout: '', stderr: '' }));
    await assert.rejects(made.driver.create(made.request, fresh), /gluster volume info gv0/);
    made.tearDown();
  });

  test('a path out of the volume is refused', async () => {
    const made = await world({}, '../../etc/x');
    await assert.rejects(made.driver.remove(made.request), /is not a path within a Gluster volume/);
    assert.deepEqual(made.machine.commands, []);
    made.tearDown();
  });

  test('parameters that are no server, port or volume are refused', () => {
    const good = { host: 'h', port: 1, volume: 'v' };
    assert.deepEqual(volumeOf(good), { host: 'h', port: 1, name: 'v' });
    for (const bad of [{ host: '-o x' }, { port: 0 }, { volume: '../v' }]) {
      assert.throws(() => volumeOf({ ...good, ...bad }), { errorClass: 'BlockDeviceError' });
    }
  });

  test('spaces in the table of mounts are read', () => {
    assert.ok(isMounted('h:/v /a\\040b fuse.glusterfs rw 0 0', '/a b'));
    assert.ok(!isMounted('h:/v /a ext4 rw 0 0', '/a'));
  });
});
