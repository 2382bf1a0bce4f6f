/** Opening, folding and coming back: what a crash, a copy or another hand leaves behind on the disk. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Failure } from '../kit/failure.ts';
import { type Log, silentLog } from '../kit/log.ts';
import { type Configuration, parseConfiguration, serialiseConfiguration } from '../model/configuration.ts';
import { type Position, readPosition, sha256, writePosition } from '../noderpc/journal/position.ts';
import { configurationPieces } from './config-file.ts';
import { createConfigFile, type OpenOptions, type OpenStore, openStore } from './open.ts';
import { sampleConfiguration } from './sample.ts';

let folder = '';
let paths = { configFile: '', journalDir: '' };
const opened: OpenStore[] = [];
const start = sampleConfiguration();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'));
  paths = { configFile: join(folder, 'config.data'), journalDir: join(folder, 'journal') };
  await createConfigFile(paths, start);
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close().catch(() => {});
  await rm(folder, { recursive: true });
});

/** Opens without folding by itself. */
async function open(more: Partial<OpenOptions> = {}): Promise<OpenStore> {
  const store = await openStore({ paths, log: silentLog, foldDelayMs: 3_600_000, ...more });
  opened.push(store);
  return store;
}

/** Ends as a crash does: nothing is folded. What the disk has now is all that the next start finds. */
async function crash(store: OpenStore): Promise<void> {
  opened.splice(opened.indexOf(store), 1);
  const copy = join(folder, 'after-crash');
  await mkdir(copy);
  const names = (await readdir(folder)).filter((name) => name !== 'after-crash');
  const files = names.filter((name) => name !== 'journal');
  for (const name of files) await copyFile(join(folder, name), join(copy, name));
  await mkdir(join(copy, 'journal'));
  for (const name of await readdir(paths.journalDir))
    await copyFile(join(paths.journalDir, name), join(copy, 'journal', name));
  await store.close();
  for (const name of names) await rm(join(folder, name), { recursive: true });
  for (const name of files) await copyFile(join(copy, name), join(folder, name));
  await mkdir(paths.journalDir);
  for (const name of await readdir(join(copy, 'journal')))
    await copyFile(join(copy, 'journal', name), join(paths.journalDir, name));
  await rm(copy, { recursive: true });
}

const plain = (configuration: Configuration): unknown =>
  JSON.parse(JSON.stringify(serialiseConfiguration(configuration)));
const onDisk = async () => JSON.parse(await readFile(paths.configFile, 'utf8')) as Record<string, unknown>;
const tag = (store: OpenStore, text: string) =>
  store.change('test', (draft) => draft.changeCluster({ tags: [text] }));
const newestSegment = async () => {
  const names = (await readdir(paths.journalDir)).filter((name) => name.startsWith('entries-'));
  return join(paths.journalDir, names.sort().at(-1)!);
};

test('the file in pieces is the configuration in one', () => {
  const big = sampleConfiguration({ instances: 700, nodes: 20 });
  const pieces = [...configurationPieces(big)];
  assert.ok(pieces.length > 3);
  assert.deepEqual(JSON.parse(pieces.join('')), plain(big));
});

test('commits are there after a crash, though nothing was folded', async () => {
  const store = await open();
  await tag(store, 'one');
  await store.change('test', (draft) => draft.remove('instances', [...draft.instances][0]!.uuid));
  const before = plain(store.current);
  await crash(store);
  assert.deepEqual((await onDisk()).serial_no, 1);
  const again = await open();
  assert.deepEqual(plain(again.current), before);
  await tag(again, 'two');
  assert.equal(again.current.serial_no, 4);
});

test('flush brings config.data up to date in the form of Ganeti', async () => {
  const store = await open();
  await tag(store, 'one');
  await store.flush();
  const file = await onDisk();
  assert.equal(file.version, 3010000);
  assert.deepEqual(Object.keys(file).sort(), [
    'cluster',
    'ctime',
    'disks',
    'filters',
    'instances',
    'mtime',
    'networks',
    'nodegroups',
    'nodes',
    'serial_no',
    'version',
  ]);
  assert.deepEqual(plain(parseConfiguration(file)), plain(store.current));
});

test('what a crash in the middle of folding leaves is taken away', async () => {
  await writeFile(join(folder, '.config.data.0123456789ab.new'), 'half');
  await open();
  assert.deepEqual((await readdir(folder)).sort(), ['config.data', 'journal']);
});

test('folding happens by itself after commits', async () => {
  const store = await open({ foldDelayMs: 1 });
  const folded = new Promise<void>((resolve) => store.onFolded(resolve));
  await tag(store, 'one');
  await folded;
  assert.equal((await onDisk()).serial_no, 2);
});

test('closing folds everything, and the next start has nothing to replay', async () => {
  const store = await open();
  await tag(store, 'one');
  await store.close();
  assert.equal((await onDisk()).serial_no, 2);
  const said: string[] = [];
  const again = await open({ log: { ...silentLog, info: (text) => said.push(text) } });
  assert.ok(said.some((text) => text.includes('serial 2, 0 commit(s)')));
  await assert.rejects(
    store.change('late', (draft) => draft.changeCluster({ tags: [] })),
    /is closed/,
  );
  assert.deepEqual(again.current.cluster.tags, ['one']);
});

test('a crash between the two writes of folding does no harm, before or after the file changed', async () => {
  for (const fileChanged of [false, true]) {
    const store = await open();
    await tag(store, `first ${fileChanged}`);
    await store.flush();
    await tag(store, `second ${fileChanged}`);
    const wanted = plain(store.current);
    const { number } = { number: store.engine.last };
    const text = [...configurationPieces(store.current)].join('');
    await crash(store);
    const position = (await readPosition(paths.journalDir))!;
    await writePosition(paths.journalDir, { ...position, next: { number, sha256: sha256(text) } });
    if (fileChanged) await writeFile(paths.configFile, text);
    const again = await open();
    assert.deepEqual(plain(again.current), wanted);
    await again.close();
    opened.splice(0);
  }
});

test('a torn last write loses only what was never promised', async () => {
  const store = await open();
  await tag(store, 'kept');
  const kept = plain(store.current);
  await tag(store, 'torn');
  await crash(store);
  const file = await newestSegment();
  await truncate(file, (await readFile(file)).length - 7);
  const said: string[] = [];
  const again = await open({ log: { ...silentLog, warning: (text) => said.push(text) } });
  assert.deepEqual(plain(again.current), kept);
  assert.ok(said.some((text) => text.includes('the last write was torn')));
});

async function backupOf(store: OpenStore): Promise<{ position: Position; file: string }> {
  await tag(store, 'in the copy');
  await store.flush();
  await tag(store, 'after the copy');
  await store.flush();
  const position = (await readPosition(paths.journalDir))!;
  return { position, file: join(folder, position.backups[0]!.file) };
}

test('a damaged config.data stops the start with the byte and the copy; with the copy nothing is lost', async () => {
  const store = await open();
  const { file } = await backupOf(store);
  const wanted = plain(store.current);
  await crash(store);
  const text = await readFile(paths.configFile, 'utf8');
  const offset = text.indexOf('"nodes"') + 8;
  await writeFile(paths.configFile, `${text.slice(0, offset)}?${text.slice(offset)}`);
  await assert.rejects(open(), (error: Failure) => {
    assert.equal(error.errorClass, 'ConfigurationError');
    assert.match(error.message, new RegExp(`config.data is damaged at byte ${offset}: `));
    assert.ok(error.message.includes(`Restore ${file} in its place`));
    return true;
  });
  await copyFile(file, paths.configFile);
  const again = await open();
  assert.deepEqual(plain(again.current), wanted);
});

test('a file cut short names its end, one of a wrong shape the object', async () => {
  const text = await readFile(paths.configFile, 'utf8');
  await writeFile(paths.configFile, text.slice(0, 5000));
  await assert.rejects(open(), /config.data is damaged at byte 5000: .*There is no copy on this node/);
  const uuid = [...start.instances][1]!.uuid;
  const data = JSON.parse(text) as { instances: Record<string, { primary_node: unknown }> };
  data.instances[uuid]!.primary_node = 7;
  const wrong = JSON.stringify(data);
  await writeFile(paths.configFile, wrong);
  await assert.rejects(open(), /config.data is damaged at byte \d+: .*primary_node/);
});

test('a version from the future is refused as such', async () => {
  await writeFile(paths.configFile, JSON.stringify({ ...(await onDisk()), version: 4000000 }));
  await assert.rejects(open(), {
    name: 'ConfigVersionMismatch',
    message: /4000000 \(4.0\) is not supported/,
  });
});

test('a file of another hand is taken when the journal has nothing to add', async () => {
  const store = await open();
  await tag(store, 'ours');
  await store.close();
  opened.splice(0);
  const file = await onDisk();
  await writeFile(paths.configFile, JSON.stringify({ ...file, serial_no: 90 }, null, 1));
  const said: string[] = [];
  const again = await open({ log: { ...silentLog, warning: (text) => said.push(text) } });
  assert.equal(again.current.serial_no, 90);
  assert.ok(said.some((text) => text.includes('changed by another hand; it is taken as it is, serial 90')));
});

test('a file of another hand is refused when the journal has commits that it may lack, and taken when it is newer', async () => {
  const store = await open();
  await tag(store, 'ours');
  await tag(store, 'ours again');
  await crash(store);
  const file = await onDisk();
  await writeFile(paths.configFile, JSON.stringify({ ...file, serial_no: 2 }, null, 1));
  await assert.rejects(
    open(),
    /changed by another hand, and the journal has commits up to serial 3 that it \(serial 2\) may lack/,
  );
  await writeFile(paths.configFile, JSON.stringify({ ...file, serial_no: 50 }, null, 1));
  const again = await open();
  assert.equal(again.current.serial_no, 50);
  assert.deepEqual(again.current.cluster.tags, []);
});

test('a journal that lost its end is not continued behind the file', async () => {
  const store = await open();
  await tag(store, 'one');
  await tag(store, 'two');
  await store.close();
  opened.splice(0);
  await truncate(await newestSegment(), 0);
  await assert.rejects(open(), /has commits up to entry 2, but the journal ends at 0: entries are missing/);
});

test('only one process has the journal', async () => {
  const store = await open();
  await writeFile(
    join(paths.journalDir, 'owner.json'),
    JSON.stringify({
      pid: 1,
      started: (await readFile('/proc/1/stat', 'latin1')).split(') ')[1]!.split(' ')[19],
    }),
  );
  await assert.rejects(openStore({ paths, log: silentLog }), /is in use by process 1/);
  await rm(join(paths.journalDir, 'owner.json'));
  await tag(store, 'still here');
});

test('an owner that died, whose number another process has now, does not count', async () => {
  await mkdir(paths.journalDir);
  await writeFile(join(paths.journalDir, 'owner.json'), JSON.stringify({ pid: 1, started: 'long ago' }));
  const store = await open();
  assert.equal(store.current.serial_no, 1);
});

test('an owner that has ended does not count, though its parent has not noticed', async () => {
  // The shell becomes a program that never asks after its children, before its child ends.
  const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    const fields = async () => (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]!.split(' ');
    while ((await fields())[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
    await mkdir(paths.journalDir);
    const owner = { pid, started: (await fields())[19] };
    await writeFile(join(paths.journalDir, 'owner.json'), JSON.stringify(owner));
    const store = await open();
    assert.equal(store.current.serial_no, 1);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('entries of others come back until their keeper has them elsewhere', async () => {
  const store = await open();
  await store.journal.append('job', { id: 1 });
  await tag(store, 'between');
  await store.journal.append('step', { id: 2 });
  await crash(store);
  const again = await open();
  assert.deepEqual(
    again.entries.map(({ number, kind, json }) => [number, kind, json]),
    [
      [1, 'job', '{"id":1}'],
      [3, 'step', '{"id":2}'],
    ],
  );
  again.keepFor({ fold: (upTo) => Promise.resolve(upTo + 1), files: () => Promise.resolve({}) });
  assert.deepEqual(again.entries, []);
  await assert.rejects(again.journal.append('configuration', {}), { name: 'ProgrammerError' });
});

test('when many entries of others have gathered a start lets them go, without waiting for a full file', async () => {
  const store = await open();
  await Promise.all(Array.from({ length: 10_001 }, (_, id) => store.journal.append('job', { id })));
  await crash(store);
  const again = await open();
  assert.equal(again.entries.length, 10_001);
  const asked: number[] = [];
  again.keepFor({
    fold: (upTo) => {
      asked.push(upTo);
      return Promise.resolve(upTo + 1);
    },
    files: () => Promise.resolve({}),
  });
  await again.flush();
  // What a start lets go goes in the background.
  while (((await readPosition(paths.journalDir))?.keep ?? 0) <= 10_001)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await again.journal.append('job', { id: 'after' });
  await crash(again);
  const third = await open();
  assert.equal(asked.at(-1), 10_001);
  assert.deepEqual(
    third.entries.map(({ json }) => json),
    ['{"id":"after"}'],
  );
});

test('a new master begins a new epoch and leaves serial numbers out; the old one may not come back', async () => {
  const store = await open();
  await tag(store, 'old master');
  await store.close();
  opened.splice(0);
  const master = await open({ promote: { seenEpoch: 4 } });
  assert.equal(master.engine.epoch, 5);
  await tag(master, 'new master');
  assert.equal(master.current.serial_no, 103);
  await master.close();
  opened.splice(0);
  const position = (await readPosition(paths.journalDir))!;
  await writePosition(paths.journalDir, { ...position, promised: 9 });
  await assert.rejects(open(), /A newer master \(epoch 9\) has taken over from this node \(epoch 5\)/);
  await writePosition(paths.journalDir, { ...position, epoch: 0, promised: 9 });
  await assert.rejects(open({ promote: { seenEpoch: 1 } }), /is not whole; this node can't be master/);
});

test('a file of Ganeti 3.0 is taken over in place and kept as a copy', async () => {
  const fixture = join(import.meta.dirname, 'upgrades/testdata/cluster_config_3.0.json');
  await copyFile(fixture, paths.configFile);
  const store = await open();
  assert.equal(store.current.instances.size, 3);
  await store.flush();
  assert.equal((await onDisk()).version, 3010000);
  const { backups } = (await readPosition(paths.journalDir))!;
  assert.deepEqual(
    JSON.parse(await readFile(join(folder, backups[0]!.file), 'utf8')),
    JSON.parse(await readFile(fixture, 'utf8')),
  );
});

test('a disk that is full while folding loses nothing and is told', async () => {
  const said: string[] = [];
  const log: Log = { ...silentLog, error: (text) => said.push(text) };
  const store = await open({ log });
  await tag(store, 'one');
  // The place of the file is taken by a folder: it can't be replaced.
  await rm(paths.configFile);
  await mkdir(join(paths.configFile, 'in the way'), { recursive: true });
  await assert.rejects(store.flush());
  await tag(store, 'two');
  assert.deepEqual(store.current.cluster.tags, ['two']);
  await rm(paths.configFile, { recursive: true });
  await store.flush();
  assert.equal((await onDisk()).serial_no, 3);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.new')),
    [],
  );
});

test('a store that was stopped for a newer master leaves config.data alone', async () => {
  const store = await open();
  await tag(store, 'mine alone');
  store.stop(new Failure('ConfigurationError', ['no longer master', 'stale_epoch']));
  await assert.rejects(tag(store, 'late'), /no longer master/);
  await store.close();
  assert.equal((await onDisk()).serial_no, 1);
});
