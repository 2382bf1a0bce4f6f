/** Options, pauses, what candidates say of a node, where the remote API listens, and what the cleaner removes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import { type Paths, pathsFor } from '../kit/paths.ts';
import { clean } from './cleaner.ts';
import { rapiBinding } from './daemons.ts';
import { rebootedNodes } from './disks.ts';
import { shouldTakeDown } from './maintenance.ts';
import { argumentsFor, parseOptions, type WatcherOptions } from './options.ts';
import { isPaused } from './pause.ts';
import { Notepad } from './state.ts';
import { groupStatusFile, statusFile, writeStatusFiles } from './status-files.ts';

let root = '';
let paths: Paths;
const put = (path: string, text = '') => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'watcher-'));
  paths = pathsFor({ GANETI_ROOTDIR: root });
});
afterEach(() => rmSync(root, { recursive: true }));

test("options have Ganeti's names and defaults, and go on to the processes of groups", () => {
  const usual = parseOptions([]) as WatcherOptions;
  assert.equal(usual.jobAge, 6 * 3600);
  assert.deepEqual(
    [usual.waitChildren, usual.verifyDisks, usual.strict, usual.ignorePause],
    [true, true, true, false],
  );
  const args = ['-d', '-A', '2d', '--ignore-pause', '--no-wait-children', '--no-verify-disks', '--no-strict'];
  const options = parseOptions(args) as WatcherOptions;
  assert.equal(options.jobAge, 2 * 86400);
  assert.equal(options.waitChildren, false);
  assert.deepEqual(argumentsFor('g', options), [
    '--node-group=g',
    '--debug',
    '--ignore-pause',
    '--no-verify-disks',
    '--no-strict',
  ]);
  assert.throws(() => parseOptions(['extra']));
  assert.throws(() => parseOptions(['--job-age=3x']));
});

test('a pause lasts until its time, and its file goes some time after', async () => {
  assert.equal(await isPaused(paths, 100), false);
  put(paths.watcherPause, '200\n');
  assert.equal(await isPaused(paths, 100), true);
  assert.equal(await isPaused(paths, 201), false);
  assert.ok(existsSync(paths.watcherPause));
  assert.equal(await isPaused(paths, 3801), false);
  assert.ok(!existsSync(paths.watcherPause));
  put(paths.watcherPause, 'soon\n');
  assert.equal(await isPaused(paths, 100), false);
});

test('a node is taken down when most candidates answer, and those that know most call it offline', () => {
  const offline = { role: 2, serial: 9 };
  const behind = { role: 4, serial: 8 };
  assert.equal(shouldTakeDown([offline, offline, offline]), true);
  assert.equal(shouldTakeDown([offline, behind, undefined]), true);
  assert.equal(shouldTakeDown([offline, undefined, undefined]), false);
  assert.equal(shouldTakeDown([offline, offline, { role: 4, serial: 9 }]), false);
  assert.equal(shouldTakeDown([behind, { role: 2, serial: 7 }]), false);
  assert.equal(shouldTakeDown([{ role: 0, serial: 1 }]), false);
  assert.equal(shouldTakeDown([]), false);
});

test('the remote API is asked where it was told to listen', async () => {
  const file = join(root, 'etc/default/ganeti');
  assert.equal(await rapiBinding(paths), null);
  for (const [text, address] of [
    ["RAPI_ARGS='-b 127.1.2.3'", '127.1.2.3'],
    ['RAPI_ARGS="--bind=fe80::1 -d"', 'fe80::1'],
    ['RAPI_ARGS=-b0.0.0.0', null],
    ["NODED_ARGS='-b 127.1.2.3'", null],
  ] as const) {
    put(file, `${text}\n`);
    assert.equal(await rapiBinding(paths), address, text);
  }
});

test('nodes count as rebooted with another boot id, not while they say none', () => {
  const notepad = new Notepad('{"node": {"same": {"bootid": "1"}, "other": {"bootid": "1"}}}', () => 0);
  const node = (name: string, bootId: string | null) => ({ name, bootId, offline: false, secondaryOf: [] });
  const nodes = [node('same', '1'), node('other', '2'), node('new', '3'), node('silent', null)];
  assert.deepEqual(
    rebootedNodes(nodes, notepad, silentLog).map(({ name }) => name),
    ['other', 'new'],
  );
});

test('states of instances stand in a file a group and in one for all, the newer group’s word counting', async () => {
  const web = (name: string, status: string) => ({
    name,
    status,
    adminState: 'up',
    disksActive: true,
    secondaries: [],
    template: 'plain',
  });
  mkdirSync(paths.dataDir, { recursive: true });
  await writeStatusFiles(
    paths,
    'a',
    ['a', 'b'],
    [web('web2', 'running'), web('web1', 'ERROR_down')],
    silentLog,
  );
  utimesSync(groupStatusFile(paths, 'a'), 5, 5);
  await writeStatusFiles(paths, 'b', ['a', 'b'], [web('web1', 'running')], silentLog);
  const { readFileSync } = await import('node:fs');
  assert.equal(readFileSync(groupStatusFile(paths, 'a'), 'utf8'), 'web1 ERROR_down\nweb2 running');
  assert.equal(readFileSync(statusFile(paths), 'utf8'), 'web1 running\nweb2 running');
});

describe('the cleaner', () => {
  const now = Date.now();
  const old = (path: string) =>
    utimesSync(path, (now - 22 * 86_400_000) / 1000, (now - 22 * 86_400_000) / 1000);

  test('removes archived jobs of three weeks ago, on the machines of a cluster', async () => {
    const job1 = put(join(paths.archiveDir, '0', 'job-1'));
    put(join(paths.archiveDir, '0', 'job-2'));
    old(job1);
    await clean('master', paths, now, () => {});
    assert.ok(existsSync(job1));
    put(join(paths.dataDir, 'ssconf_master_node'), 'node1');
    const said: string[] = [];
    await clean('master', paths, now, (text) => said.push(text));
    assert.deepEqual(readdirSync(join(paths.archiveDir, '0')), ['job-2']);
    assert.deepEqual(said, [`removed '${job1}'`]);
  });

  test("removes the watcher's files of groups that are gone, and nothing that looks alike", async () => {
    put(join(paths.dataDir, 'ssconf_master_node'), 'node1');
    const group = '00000000-0000-4000-8000-000000000100';
    const gone = ['data', 'instance-status'].map((kind) =>
      put(join(paths.dataDir, `watcher.${group}.${kind}`)),
    );
    const kept = ['watcher.pause', 'config.data', `watcher.${group}.other`].map((name) =>
      put(join(paths.dataDir, name)),
    );
    for (const path of [...gone, ...kept]) old(path);
    await clean('node', paths, now, () => {});
    assert.deepEqual(gone.map(existsSync), [false, false]);
    assert.deepEqual(kept.map(existsSync), [true, true, true]);
  });

  test('leaves what is no certificate of a transfer', async () => {
    const path = put(join(paths.cryptoKeysDir, 'x', 'cert'), 'no certificate');
    await clean('node', paths, now, () => {});
    assert.ok(existsSync(path));
  });
});
