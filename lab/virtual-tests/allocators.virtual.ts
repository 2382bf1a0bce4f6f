/** Nodes chosen by allocators: the built-in one, programs of the search path, and what they are asked. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { follow } from '../harness/transcript.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;

const prerequisites = '! Failure: prerequisites not met for this operation:\n! error type:';
const add = 'gnt-instance add -o noop --no-nics';

/** An allocator of the site: a shell script that finds the request in $1. */
async function installAllocator(name: string, body: string): Promise<void> {
  const folder = join(lab.root('node1'), 'usr/lib/ganeti/iallocators');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
  await chmod(join(folder, name), 0o755);
}

const listed = async (fields: string, ...names: string[]) =>
  (await lab.output('node1', ['gnt-instance', 'list', '--no-headers', '-o', fields, ...names]))
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));

/** Every node that an instance is on, by instance. */
const primaries = async () =>
  new Map((await listed('name,pnode')).map(([name, node]) => [name!.split('.')[0]!, node!.split('.')[0]!]));

interface Answer {
  readonly success: boolean;
  readonly info: string;
  readonly result: unknown;
}

async function asked(direction: 'in' | 'out', ...options: string[]): Promise<string> {
  return await lab.output('node1', ['gnt-debug', 'iallocator', '--dir', direction, ...options]);
}

const answered = async (...options: string[]) =>
  JSON.parse(await asked('out', '-I', 'hail', ...options)) as Answer;

const wanted = '-t sharedfile --disks 1024 --memory 128 --vcpus 1 -o noop'.split(' ');

describe('allocators', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 4 });
  });
  after(() => lab.down());

  test('without a node and without an allocator nothing is made', async () => {
    await follow(
      lab,
      `
$ gnt-cluster modify --default-iallocator=
$ ${add} -t sharedfile -s 64M inst1.virtual.example
${prerequisites} wrong_input, error details:
! No iallocator or node given and no cluster-wide default iallocator found; please specify either an iallocator or a node, or set a cluster-wide default iallocator
? 1
$ gnt-cluster modify --default-iallocator=hail
$ ${add} -t sharedfile -s 64M -I hail -n node1 inst1.virtual.example
${prerequisites} wrong_input, error details:
! Do not specify both, iallocator and node
? 1
`,
    );
  });

  test('the default allocator spreads instances, also those that are made at once', async () => {
    const file = join(lab.root('node1'), 'instances.json');
    const definition = (name: string) => ({
      instance_name: `${name}.virtual.example`,
      mode: 'create',
      disk_template: 'sharedfile',
      disks: [{ size: 64 }],
      nics: [],
      os_type: 'noop',
    });
    const made = await lab.run('node1', [
      ...add.split(' '),
      '-t',
      'sharedfile',
      '-s',
      '64M',
      'inst1.virtual.example',
    ]);
    assert.match(
      made.stdout,
      / - INFO: Selected nodes for instance inst1\.virtual\.example via iallocator hail: node\d\.virtual\.example\n/,
    );
    await writeFile(file, JSON.stringify(['web1', 'web2', 'web3'].map(definition)));
    const batch = await lab.run('node1', ['gnt-instance', 'batch-create', '-I', 'hail', file]);
    assert.match(batch.stdout, /All instances created successfully\.\n$/);
    assert.equal(new Set((await primaries()).values()).size, 4);
  });

  test('a node is evacuated, instances change groups, groups are evacuated', async () => {
    const [first] = [...(await primaries())].find(([name]) => name === 'inst1')!.slice(1);
    const gone = await lab.run('node1', ['gnt-node', 'evacuate', '-f', '-p', '-I', 'hail', first!]);
    assert.equal(gone.code, 0, gone.stderr);
    assert.match(gone.stdout, /INFO: Evacuating instances from node '.*': inst1\.virtual\.example\n/);
    assert.ok(![...(await primaries()).values()].includes(first!));
    await lab.output('node1', ['gnt-group', 'add', 'rack2']);
    await lab.output('node1', ['gnt-group', 'assign-nodes', '--force', 'rack2', 'node3', 'node4']);
    for (const name of ['web1', 'web2', 'web3', 'inst1']) {
      const group = (await listed('pnode.group', name))[0]![0];
      const change = ['gnt-instance', 'change-group', '-I', 'hail', '--to', 'rack2', name];
      const { stdout, stderr, code } = await lab.run('node1', change);
      if (group === 'rack2') assert.match(stderr, /already in|no need|Can't/i, `${code}`);
      else assert.match(stdout, /Iallocator returned 1 job\(s\) for changing group of instance/);
    }
    assert.deepEqual(new Set((await listed('pnode.group')).flat()), new Set(['rack2']));
    await lab.output('node1', ['gnt-group', 'evacuate', '-I', 'hail', '--to', 'default', 'rack2']);
    assert.deepEqual(new Set((await listed('pnode.group')).flat()), new Set(['default']));
  });

  test('gnt-debug shows request and answer of every mode', async () => {
    // Free memory is this machine's own and differs from one look to the next: one node is left to choose.
    const allocatable = async (policy: string, drained: string) => {
      await lab.output('node1', ['gnt-group', 'modify', '--alloc-policy', policy, 'default']);
      await lab.output('node1', ['gnt-node', 'modify', '--drained', drained, 'node3']);
    };
    await allocatable('unallocable', 'yes');
    const request = await asked('in', '-m', 'allocate', ...wanted, 'new1.virtual.example');
    const shown = JSON.parse(request) as Record<string, unknown>;
    assert.deepEqual(Object.keys(shown.nodes as object).length, 4);
    assert.equal((shown.request as { type: string }).type, 'allocate');
    // The program gives the same answer to the same request.
    await writeFile(join(lab.root('node1'), 'request.json'), request);
    const program = await lab.output('node1', ['hail', join(lab.root('node1'), 'request.json')]);
    const { success, result } = await answered('-m', 'allocate', ...wanted, 'new1.virtual.example');
    assert.ok(success);
    assert.deepEqual(result, ['node4.virtual.example']);
    assert.deepEqual((JSON.parse(program) as Answer).result, result);
    await allocatable('preferred', 'no');

    const many = await answered('-m', 'multi-allocate', '--count', '3', ...wanted, 'new');
    assert.match(many.info, /0 instances failed to allocate and 3 were allocated successfully$/);
    const evacuate = ['-m', 'node-evacuate', '--evac-mode', 'primary-only', 'inst1'];
    assert.match(
      (await answered(...evacuate)).info,
      /0 instances failed to move and 1 were moved successfully$/,
    );
    const changed = await answered('-m', 'change-group', '--target-groups', 'rack2', 'inst1');
    assert.match(changed.info, /0 instances failed to move and 1 were moved successfully$/);
    const second = await answered('-m', 'allocate-secondary', 'inst1');
    assert.match(second.info, /^Request failed: No valid allocation solutions, failure reasons: FailDisk/);
    const relocated = await answered('-m', 'relocate', 'inst1');
    assert.match(relocated.info, /^Request failed: Unsupported request: excluded nodes not equal/);
    await follow(
      lab,
      `
$ gnt-debug iallocator --dir out -m relocate inst1
${prerequisites} wrong_input, error details:
! Missing allocator name
? 1
$ gnt-debug iallocator --dir out -I nosuch -m relocate inst1
! Failure: command execution error:
! Failure while running the iallocator script: iallocator module 'nosuch' not found in the search path
? 1
`,
    );
  });

  test('allocators of the site are called by the protocol', async () => {
    const told = join(lab.root('node1'), 'told');
    await installAllocator(
      'last-node',
      `printf '%s\\n' "$@" >${told}; cat "$1" >${told}.json
echo '{"success": true, "info": "the last one", "result": ["node4.virtual.example"]}'`,
    );
    await installAllocator('full', `echo '{"success": false, "info": "no room anywhere", "result": []}'`);
    await installAllocator('broken', 'echo half; echo oops >&2; exit 3');
    await installAllocator('rubbish', 'echo "<html>"');
    await installAllocator('nobody', `echo '{"success": true, "info": "", "result": ["node9.example"]}'`);
    await installAllocator('greedy', `echo '{"success": true, "info": "", "result": ["node1", "node2"]}'`);
    await lab.output('node1', ['gnt-cluster', 'modify', '--default-iallocator-params', 'speed=9,quiet=']);
    const complaints = {
      full: /error type: insufficient_resources.*\nCan't compute nodes using iallocator 'full': no room anywhere\n$/,
      broken:
        /^Failure: command execution error:\niallocator module 'broken' failed: exited with exit code 3, output 'half\noops'\n$/,
      rubbish: /^Failure: command execution error:\nCan't parse iallocator results: /,
      nobody: /error type: unknown_entity, error details:\nNode 'node9\.example' not known\n$/,
      greedy: /iallocator returned invalid number of nodes \(2\), required 1\n$/,
    };
    const ends = Object.keys(complaints).map((name) =>
      lab.run('node1', [...add.split(' '), '-t', 'file', '-s', '64M', '-I', name, 'inst2.virtual.example']),
    );
    for (const [index, complaint] of Object.values(complaints).entries()) {
      assert.match((await ends[index]!).stderr, complaint);
    }
    await lab.output('node1', [
      ...add.split(' '),
      '-t',
      'file',
      '-s',
      '64M',
      '-I',
      'last-node',
      'inst2.virtual.example',
    ]);
    assert.equal((await primaries()).get('inst2'), 'node4');
    const [request, ...parameters] = (await readFile(told, 'utf8')).trim().split('\n');
    assert.match(request!, /ganeti-iallocator/);
    assert.deepEqual(parameters, ['--speed=9', '--quiet']);
    const document = JSON.parse(await readFile(`${told}.json`, 'utf8')) as { request: { name: string } };
    assert.equal(document.request.name, 'inst2.virtual.example');
  });

  test('jobs that look for nodes at once do not all take the same room', async () => {
    await lab.output('node1', [
      'gnt-cluster',
      'modify',
      '--default-iallocator-params',
      'no-capacity-checks=',
    ]);
    const free = await lab.output('node1', ['gnt-node', 'list', '--no-headers', '--units=m', '-o', 'mfree']);
    const memory = Math.floor(Math.min(...free.trim().split('\n').map(Number)) * 0.6);
    const policy = `min:disk-size=4,cpu-count=1,disk-count=0,memory-size=4,nic-count=0,spindle-use=1/max:disk-size=1048576,cpu-count=8,disk-count=16,memory-size=${memory},nic-count=8,spindle-use=12`;
    await lab.output('node1', ['gnt-cluster', 'modify', `--ipolicy-bounds-specs=${policy}`]);
    const names = [1, 2, 3, 4, 5, 6].map((number) => `web${number + 3}.virtual.example`);
    const ends = await Promise.all(
      names.map((name) =>
        lab.run('node1', [...add.split(' '), '-t', 'file', '-s', '64M', '-B', `memory=${memory}`, name]),
      ),
    );
    assert.deepEqual(ends.map(({ code }) => code).sort(), [0, 0, 0, 0, 1, 1]);
    for (const { code, stderr } of ends) if (code === 1) assert.match(stderr, /FailMem/);
    const big = (await listed('name,pnode')).filter(([name]) => names.includes(name!));
    assert.equal(new Set(big.map(([, node]) => node)).size, 4);
  });
});
