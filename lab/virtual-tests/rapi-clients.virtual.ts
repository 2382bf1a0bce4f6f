/** Real Ganeti's own clients of the remote API, unchanged: the Python client with every method, and the htools. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DebianClients } from '../harness/debian-clients.ts';
import { VirtualLab } from '../harness/virtual.ts';

const clients = await DebianClients.find();
const everyMethod = resolve(import.meta.dirname, '../harness/rapi-clients/every_method.py');

interface Call {
  readonly method: string;
  readonly result?: unknown;
  readonly status?: string | readonly string[];
  readonly opresult?: unknown;
  readonly error?: readonly unknown[];
}

/** What this cluster refuses, in the job's own time: it has no DRBD, volume group or snapshots, and its disks are there. */
const refused = [
  ...['ReplaceInstanceDisks', 'ModifyNodeStorageUnits', 'RepairNodeStorageUnits', 'PowercycleNode'],
  ...['RecreateInstanceDisks', 'ExportInstance'],
];

describe("Debian's clients of the remote API", {
  skip: typeof clients === 'string' ? clients : false,
}, () => {
  let lab: VirtualLab;
  const real = clients as DebianClients;

  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    await writeFile(lab.paths('node1').rapiUsers, 'admin secret write\n');
  });
  after(() => lab.down());

  test('every method of the Python client does what it says', async () => {
    const address = lab.address('node1');
    const args = [address, 'admin', 'secret', 'virtual.example'];
    const { stdout, stderr, code } = await real.python(lab, 'node1', readFileSync(everyMethod, 'utf8'), args);
    assert.equal(code, 0, stderr);
    const lines = stdout.trim().split('\n');
    assert.deepEqual(JSON.parse(lines.at(-1)!), { missing: [] });
    const calls = lines.slice(0, -1).map((line) => JSON.parse(line) as Call);
    const bad = calls.filter(({ method, status, error }) => {
      if (error !== undefined) return true;
      const ends = [status ?? []].flat();
      return refused.includes(method) ? !ends.includes('error') : ends.some((end) => end !== 'success');
    });
    assert.deepEqual(bad, []);
    assert.ok(new Set(calls.map(({ method }) => method)).size > 75);
  });

  test('hbal, hspace and hscan read the cluster', async () => {
    const add = (name: string) =>
      lab.output('node1', [
        ...[
          'gnt-instance',
          'add',
          '-t',
          'sharedfile',
          '-o',
          'noop',
          '--disk',
          '0:size=16M',
          '-B',
          'memory=512M',
        ],
        ...['--no-nics', '--no-ip-check', '--no-name-check', '-n', 'node1', name],
      ]);
    for (const name of ['web1', 'web2', 'web3']) await add(name);
    const url = `https://admin:secret@${lab.address('node1')}:5080`;
    const run = async (...argv: string[]) => {
      const { stdout, stderr, code } = await real.run(lab, 'node1', argv);
      assert.equal(code, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };
    assert.match(
      await run('hbal', '-m', url, '-C'),
      /Loaded 3 nodes, 3 instances[\s\S]*Solution length=[12]/,
    );
    const space = await run('hspace', '-m', url, '--machine-readable=yes', '--standard-alloc', '128,64,1');
    assert.match(space, /^HTS_INI_INST_CNT=3$/m);
    assert.match(space, /^HTS_OK=1$/m);
    await run('hscan', '-d', lab.directory, url);
    const [file] = (await lab.output('node1', ['sh', '-c', `ls ${lab.directory}/*.data`])).trim().split('\n');
    assert.match(await readFile(join(lab.directory, file!.split('/').at(-1)!), 'utf8'), /^web1\b/m);
  });
});
