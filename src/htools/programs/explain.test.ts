/** What goes beyond Ganeti's tools: --explain, and volume groups beside the main one. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CapturedContext, capturedContext } from './captured-context.ts';
import { runTool } from './main.ts';

const specs = '1024,1,10240,1,1,1|128,1,1024,1,1,1;32768,16,1048576,16,8,12';
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'htools-explain-'));
});
after(() => rmSync(folder, { recursive: true }));

interface TextCluster {
  readonly nodes: readonly string[];
  readonly instances: readonly string[];
}

/** Runs a tool on a text file of one group. */
async function run(
  tool: string,
  args: string[],
  { nodes, instances }: TextCluster,
): Promise<CapturedContext> {
  const file = join(folder, 'cluster.data');
  const policies = [`|${specs}|drbd,plain|4|32`, `all|${specs}|drbd,plain|4|32`];
  const sections = [['all|uuid|preferred||'], nodes, instances, [], policies];
  writeFileSync(file, sections.map((lines) => lines.map((line) => `${line}\n`).join('')).join('\n'));
  const context = capturedContext();
  assert.equal(await runTool(tool, ['-t', file, ...args], context), 0, context.stderr());
  return context;
}

/** A node with 16 GiB of memory and 100 GiB of disk in the main volume group. */
const node = (name: string, memory: number, disk: number, groups = '') =>
  `${name}|16384|0|${memory}|102400|${disk}|8|N|uuid|1||N|0|0|1.0${groups === '' ? '' : `|${groups}`}`;

test('hbal --explain says what each move would bring or who refuses it', async () => {
  const cluster = {
    nodes: [node('node1', 8192, 61440), node('node2', 16384, 61440), node('node3', 2048, 102400)],
    instances: [
      'small|4096|20480|1|running|Y|node1|node2|drbd||1|-|N',
      'large|4096|20480|1|running|Y|node1|node2|drbd||1|-|N',
      'other|14336|0|1|running|Y|node3||plain||1|-|N',
    ],
  };
  const { stdout, stderr } = await run('hbal', ['-l', '0', '--explain=small,none'], cluster);
  assert.doesNotMatch(stdout(), /Moves of/);
  assert.match(
    stderr(),
    /^Moves of small \(drbd, 4096 MiB memory, 20480 MiB disk, 1 VCPUs\) off node1:node2, /m,
  );
  assert.match(stderr(), /^ {2}node2 \(f\): score \d+\.\d{8}, better$/m);
  assert.match(stderr(), /^ {2}node3 \(r, f r\): FailMem, node3 as secondary: 2049 MiB of memory missing$/m);
  assert.match(
    stderr(),
    /^ {2}node3 \(r f, f r f\): FailMem, node3 as primary: 2049 MiB of memory missing$/m,
  );
  assert.match(stderr(), /^No moves to explain: there is no instance none in the group$/m);
  const other = await run('hbal', ['-l', '0', '--explain=other'], cluster);
  assert.match(other.stderr(), /^ {2}not moved: instances of type plain don't move$/m);
});

test('hspace --explain names the nodes that refuse one more, and what is missing', async () => {
  const cluster = { nodes: [node('node1', 2048, 102400), node('node2', 16384, 4096)], instances: [] };
  const args = ['--disk-template', 'drbd', '--standard-alloc', '30g,3g,1', '--explain'];
  const { stdout, stderr } = await run('hspace', args, cluster);
  assert.match(stdout(), /^ {2}- most likely failure reason: FailMem$/m);
  assert.match(stderr(), /^ {2}0 of 2 places fit$/m);
  assert.match(stderr(), /^ {2}node1 as primary: FailMem, 1025 MiB of memory missing$/m);
  assert.match(stderr(), /^ {2}node2 as primary: FailDisk, 26625 MiB of disk missing$/m);
});

/** Two nodes with an hdd volume group, two without; all instances of the first two have a disk there. */
const mixedStorage = {
  nodes: [
    node('node1', 4096, 102400, 'hdd=204800:122880'),
    node('node2', 16384, 102400, 'hdd=204800:122880'),
    node('node3', 16384, 102400, '-'),
    node('node4', 16384, 102400, '-'),
  ],
  instances: ['1', '2', '3', '4'].map(
    (name) => `inst${name}|3072|20480|2|running|Y|node1|node2|drbd||1|-|N|hdd=20480`,
  ),
};

test('hbal never takes a disk to a node without its volume group', async () => {
  const saved = join(folder, 'saved');
  const { stdout, stderr } = await run('hbal', ['-S', saved, '--explain=inst1'], mixedStorage);
  assert.match(stdout(), /=> node2:node1 /);
  assert.match(stderr(), /^ {2}node3 \(r, .*\): FailDisk, node3 as \w+: there is no volume group hdd$/m);
  const text = readFileSync(`${saved}.balanced`, 'utf8');
  assert.equal(text.match(/^inst.*\|(?:node1\|node2|node2\|node1)\|drbd/gm)?.length, 4);
  const ignorant = mixedStorage.nodes.map((line) => line.split('|').slice(0, 15).join('|'));
  const without = await run('hbal', [], { ...mixedStorage, nodes: ignorant });
  assert.match(without.stdout(), /=> node\d:node[34] |=> node[34]:node\d /);
});

test('hspace counts the room of a volume group', async () => {
  const args = ['--disk-template', 'plain', '--standard-alloc', '10g,1g,1', '--no-capacity-checks'];
  const people = await run('hspace', args, mixedStorage);
  assert.match(people.stdout(), /^Volume group hdd: on 2 nodes, DSK 409600, free 245760\.$/m);
  const keys = ['--machine-readable', '--volume-group', 'hdd'];
  const { stdout } = await run('hspace', [...args, ...keys], mixedStorage);
  assert.match(stdout(), /^HTS_INI_VG_FREE='?hdd=245760'?$/m);
  const free = Number(/^HTS_FIN_VG_FREE='?hdd=(\d+)'?$/m.exec(stdout())?.[1]);
  const count = Number(/^HTS_ALLOC_INSTANCES=(\d+)$/m.exec(stdout())?.[1]);
  assert.ok(count > 0);
  assert.equal(free, 245760 - count * 10240);
  assert.match(stdout(), /^HTS_FIN_DSK_FREE=409600$/m);
});
