/** Instances are exported and imported, move to other nodes and to another cluster, with what is on their disks. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { installKeeper } from '../harness/keeper-os.ts';
import { recorded } from '../harness/recorded.ts';
import { VirtualLab } from '../harness/virtual.ts';

const instance = 'inst1.virtual.example';
const address = (lab: VirtualLab) => lab.address('node1');
const nodesOf = async (lab: VirtualLab) =>
  (await readFile(join(lab.directory, 'nodes'), 'utf8')).trim().split('\n');

/** A guest named web4 can't be read. */
const scripts = {
  export: 'case $INSTANCE_NAME in web4.*) echo no way out >&2; exit 7 ;; esac\ncat "$EXPORT_DEVICE"',
  rename: 'echo "renamed from $OLD_INSTANCE_NAME"',
};

/** The file of an instance's disk on a node; undefined where there is none. */
async function diskFile(lab: VirtualLab, node: string, name: string): Promise<string | undefined> {
  const folder = join(lab.root(node), 'srv/ganeti/file-storage', name);
  const [file] = await readdir(folder).catch((): string[] => []);
  return file === undefined ? undefined : join(folder, file);
}

const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const sizeBytes = 8 * 1024 * 1024;
const contents = Buffer.alloc(sizeBytes);
contents.write('what the guest wrote', 0);
contents.write('and at the end', sizeBytes - 100);
contents.fill(0xa5, 3_000_000, 4_000_000);

async function holds(lab: VirtualLab, node: string, name: string): Promise<void> {
  const file = await diskFile(lab, node, name);
  assert.ok(file !== undefined, `${node} has no disk of ${name}`);
  assert.equal(digest(await readFile(file)), digest(contents), `${name} on ${node}`);
}

async function says(lab: VirtualLab, command: string, stdout: string, stderr = '', code = 0): Promise<void> {
  const result = await lab.run('node1', command.split(' '));
  assert.deepEqual(
    [recorded(result.stdout, lab.directory), recorded(result.stderr, lab.directory), result.code],
    [stdout, stderr, code],
    command,
  );
}

async function add(lab: VirtualLab, name: string, node: string): Promise<void> {
  const command = `gnt-instance add -t file -s 8M -o keeper+default -B memory=64 --no-nics -n ${node}.virtual.example --no-start ${name}`;
  await lab.output('node1', command.split(' '));
  await writeFile((await diskFile(lab, node, name))!, contents, { flag: 'r+' });
}

/** Nothing is left of transfers. */
async function isTidy(lab: VirtualLab): Promise<void> {
  for (const node of await nodesOf(lab)) {
    const { importExportDir, cryptoKeysDir, exportDir } = lab.paths(node);
    assert.deepEqual(await readdir(importExportDir), []);
    assert.deepEqual(await readdir(cryptoKeysDir), []);
    assert.deepEqual(
      (await readdir(exportDir)).filter((name) => /\.(new|old)$/.test(name)),
      [],
    );
  }
}

describe('instances go out and come back', () => {
  let lab: VirtualLab;
  let other: VirtualLab;
  before(async () => {
    [lab, other] = await Promise.all([VirtualLab.up({ nodes: 2 }), VirtualLab.up({ nodes: 1 })]);
    for (const each of [lab, other]) {
      await installKeeper(each, await nodesOf(each), scripts);
      await each.output('node1', [
        'gnt-cluster',
        'modify',
        '--ipolicy-disk-templates=file,diskless,sharedfile',
      ]);
      await writeFile(each.paths('node1').rapiUsers, 'mover geheim write\n');
      await writeFile(join(each.directory, 'password'), 'geheim\n');
      await writeFile(each.paths('node1').clusterDomainSecret, 'one secret for both\n');
      await each.output('node1', ['daemon-util', 'start', 'ganeti-rapi']);
    }
  });
  after(async () => {
    await Promise.all([lab.down(), other.down()]);
  });

  test('an export to another node says what Ganeti says, and lies where Ganeti puts it', async () => {
    await says(lab, 'gnt-backup list', 'Node Export\n');
    await add(lab, instance, 'node1');
    await lab.output('node1', ['gnt-instance', 'start', instance]);
    const refused =
      'Failure: command execution error:\nNot all disks could be snapshotted, and you did not allow the instance to' +
      ' remain offline for a longer time through the --long-sleep option; aborting\n';
    await says(lab, `gnt-backup export -n node2.virtual.example ${instance}`, '', refused, 1);
    const result = await lab.output(
      'node1',
      `gnt-backup export --long-sleep -n node2.virtual.example ${instance}`.split(' '),
    );
    const lines = recorded(result, lab.directory).split('\n');
    assert.deepEqual(
      lines.filter((line) => !/ (sent|is (receiving|sending) data) /.test(line)),
      [
        `<time> Shutting down instance ${instance}`,
        '<time> Exporting disk/0 from node1.virtual.example to node2.virtual.example',
        '<time> disk/0 is now listening, starting export',
        '<time> disk/0 finished receiving data',
        '<time> disk/0 finished sending data',
        '<time> Finalizing export on node2.virtual.example',
        `<time> Starting instance ${instance}`,
        `<time> Removing old exports for instance ${instance}`,
        '',
      ],
    );
    await says(lab, 'gnt-backup list', `Node                  Export\nnode2.virtual.example ${instance}\n`);
    const folder = join(lab.paths('node2').exportDir, instance);
    const [dump] = (await readdir(folder)).filter((name) => name !== 'config.ini');
    assert.equal(digest(await readFile(join(folder, dump!))), digest(contents));
    const config = await readFile(join(folder, 'config.ini'), 'utf8');
    assert.match(config, /^\[export\]\nversion = 0\ntimestamp = \d+\nsource = \S+\nos = keeper\+default\n/);
    assert.match(config, new RegExp(`\ndisk0_dump = ${dump}\ndisk0_size = 8\n`));
    await isTidy(lab);
  });

  test('the import brings the data back, on another node and under another name', async () => {
    await lab.output('node1', ['gnt-instance', 'remove', '-f', instance]);
    const command = `gnt-backup import -t file -n node1.virtual.example ${instance}`;
    const said = recorded(await lab.output('node1', command.split(' ')), lab.directory);
    assert.match(said, /\* running the instance OS import scripts\.\.\.\n/);
    assert.match(said, new RegExp(`Running rename script for ${instance}\n$`));
    await holds(lab, 'node1', instance);
    const packed = `gnt-backup import -t file -n node2.virtual.example --src-node=node2.virtual.example --src-dir=/var/lib/ganeti/export/${instance} --compress=gzip web1.virtual.example`;
    await lab.output('node1', packed.split(' '));
    await holds(lab, 'node2', 'web1.virtual.example');
    await lab.output('node1', ['gnt-backup', 'remove', instance]);
    await says(lab, 'gnt-backup list', 'Node Export\n');
    await isTidy(lab);
  });

  test('an export that breaks leaves nothing, and the guest runs again', async () => {
    await add(lab, 'web4.virtual.example', 'node1');
    await lab.output('node1', ['gnt-instance', 'start', 'web4.virtual.example']);
    const command = 'gnt-backup export --long-sleep -n node2.virtual.example web4.virtual.example';
    const result = await lab.run('node1', command.split(' '));
    assert.equal(
      result.stderr,
      'Failure: command execution error:\nExport failed, errors in export finalization, disk export: disk(s) 0\n',
    );
    assert.match(result.stdout, /OS export script failed \(exited with exit code 7\).*no way out/s);
    const status = ['gnt-instance', 'list', '--no-headers', '-o', 'status', 'web4.virtual.example'];
    assert.equal((await lab.output('node1', status)).trim(), 'running');
    await says(lab, 'gnt-backup list', 'Node Export\n');
    await isTidy(lab);
  });

  test('free space is zeroed by a machine that is given its time, and is gone when it was not enough', async () => {
    const name = 'web4.virtual.example';
    const image = Buffer.alloc(1024 * 1024 + 1, 'zeros come from here ');
    await writeFile(join(lab.root('node1'), 'srv/zero.raw'), image, { mode: 0o644 });
    await lab.output('node1', ['gnt-cluster', 'modify', '--zeroing-image=/srv/zero.raw']);
    const folder = join(lab.root('node1'), 'srv/ganeti/file-storage', name);
    const disks = await readdir(folder);
    const status = ['gnt-instance', 'list', '--no-headers', '-o', 'status,disk.count', name];
    const words = `gnt-backup export --long-sleep --zero-free-space -n node2.virtual.example`;
    const late = await lab.run(
      'node1',
      `${words} --zeroing-timeout-fixed=1 --zeroing-timeout-per-mib=0 ${name}`.split(' '),
    );
    assert.equal(
      late.stderr,
      'Failure: command execution error:\nError running helper VM with image /srv/zero.raw\n',
    );
    assert.match(late.stdout, /Zeroing free disk space: Helper VM has not finished within the timeout/);
    assert.deepEqual(await readdir(folder), disks);
    assert.match(await lab.output('node1', status), /running +1/);
    // A fake guest is a file: the helper is there while there are two disks, and ends when its file goes.
    const inTime = lab.run('node1', [...words.split(' '), name]);
    const guest = join(lab.paths('node1').runDir, 'fake-hypervisor', name);
    const begins = Buffer.alloc(image.length);
    const isUp = async () => {
      const [helper] = (await readdir(folder)).filter((file) => !disks.includes(file));
      if (helper === undefined || !existsSync(guest)) return undefined;
      const data = await readFile(join(folder, helper));
      return data.copy(begins) >= image.length && begins.equals(image) ? data.length : undefined;
    };
    assert.equal(await pollUntil(isUp, { everyMs: 50, timeoutMs: 30_000 }), 2 * 1024 * 1024);
    await rm(guest);
    // The OS definition lets no data of this instance out: what came before has gone well.
    assert.match((await inTime).stdout, /Zeroing free disk space: Helper VM execution completed/);
    assert.deepEqual(await readdir(folder), disks);
    assert.match(await lab.output('node1', status), /running +1/);
    await isTidy(lab);
  });

  test('a move to another node takes the data along', async () => {
    await lab.output('node1', ['gnt-instance', 'start', instance]);
    await lab.output('node1', `gnt-instance move -f -n node2.virtual.example ${instance}`.split(' '));
    await holds(lab, 'node2', instance);
    assert.equal(await diskFile(lab, 'node1', instance), undefined);
    const where = await lab.output('node1', [
      ...['gnt-instance', 'list', '--no-headers', '--separator=:', '-o', 'pnode,status', instance],
    ]);
    assert.equal(where, 'node2.virtual.example:running\n');
    await isTidy(lab);
  });

  const moveArguments = (...words: readonly string[]) => [
    ...['move-instance', '--verbose', '--src-username=mover', '--dest-primary-node=node1.virtual.example'],
    ...[
      `--src-ca-file=${lab.paths('node1').rapiCertificate}`,
      '--src-password-file',
      join(lab.directory, 'password'),
    ],
    ...[`--dest-ca-file=${other.paths('node1').rapiCertificate}`, ...words],
    ...[address(lab), address(other)],
  ];

  test('a move to another cluster takes it all, and keeps the source when it shall', async () => {
    const kept = await lab.run('node1', [
      ...moveArguments(
        '--keep-source-instance',
        '--dest-instance-name=web7.virtual.example',
        '--compress=gzip',
      ),
      instance,
    ]);
    assert.equal(kept.code, 0, kept.stderr);
    await holds(lab, 'node2', instance);
    await holds(other, 'node1', 'web7.virtual.example');
    const gone = await lab.run('node1', [...moveArguments(), instance]);
    assert.equal(gone.code, 0, gone.stderr);
    assert.match(gone.stderr, /inst1\.virtual\.example: Success\n$/);
    await holds(other, 'node1', instance);
    assert.equal(await diskFile(lab, 'node2', instance), undefined);
    const status = ['gnt-instance', 'list', '--no-headers', '-o', 'status', instance];
    assert.equal((await other.output('node1', status)).trim(), 'running');
    assert.notEqual((await lab.run('node1', status)).code, 0);
    await isTidy(lab);
    await isTidy(other);
  });

  test('a move that breaks on its way leaves the source running and nothing at the destination', async () => {
    const result = await lab.run('node1', [...moveArguments(), 'web4.virtual.example']);
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /web4\.virtual\.example: Failed \(Source error: Export failed, errors in disk export: disk\(s\) 0/,
    );
    const status = ['gnt-instance', 'list', '--no-headers', '-o', 'status', 'web4.virtual.example'];
    assert.equal((await lab.output('node1', status)).trim(), 'running');
    const names = await other.output('node1', ['gnt-instance', 'list', '--no-headers', '-o', 'name']);
    assert.ok(!names.includes('web4'), names);
  });
});
