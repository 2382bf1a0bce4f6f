/** Tags of every kind of object: changes leave nothing behind, and Ganeti's rules hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { tagsDel, tagsSet } from '../../src/operations/tags/change.ts';
import { tagsGet, tagsSearch } from '../../src/operations/tags/query.ts';
import { createMemoryCluster, memoryInstance, memoryWorld, nodeName } from './cluster.ts';
import { preparedWorld, runOperation } from './run.ts';

const instances = [memoryInstance('web1.memory.example')];
const targets: readonly [string, string | null][] = [
  ['cluster', null],
  ['instance', 'web1'],
  ['node', nodeName(2)],
  ['nodegroup', 'default'],
];

for (const [kind, name] of targets) {
  test(`tags are given to the ${kind} and taken back`, async () => {
    await provesUndo(tagsSet, { kind, name, tags: ['a', 'b'] }, memoryWorld({ instances }));
  });

  test(`tags of the ${kind} go, and come back`, async () => {
    const world = preparedWorld({ instances }, [[tagsSet, { kind, name, tags: ['a', 'b'] }]]);
    await provesUndo(tagsDel, { kind, name, tags: ['b'] }, world);
  });
}

test('tags are found by a pattern, with the paths that Ganeti shows', async () => {
  const cluster = createMemoryCluster({ instances });
  for (const [kind, name] of targets) {
    await runOperation(cluster, tagsSet, { kind, name, tags: ['rack:7', 'prod'] });
  }
  await runOperation(cluster, tagsSet, { kind: 'cluster', tags: ['prod', 'third'] });
  assert.deepEqual(await runOperation(cluster, tagsGet, { kind: 'cluster' }), ['rack:7', 'prod', 'third']);
  assert.deepEqual(await runOperation(cluster, tagsSearch, { pattern: '^rack' }), [
    ['/cluster', 'rack:7'],
    ['/instances/web1.memory.example', 'rack:7'],
    [`/nodes/${nodeName(2)}`, 'rack:7'],
    ['/nodegroup/default', 'rack:7'],
  ]);
});

const refused: readonly [string, Record<string, unknown>, RegExp][] = [
  ['a character', { kind: 'cluster', tags: ['bad tag'] }, /^TagError: Tag contains invalid characters$/],
  ['an empty one', { kind: 'cluster', tags: [''] }, /^TagError: Tags cannot be empty$/],
  [
    'a long one',
    { kind: 'cluster', tags: ['x'.repeat(129)] },
    /^TagError: Tag too long \(>128 characters\)$/,
  ],
  ['an unknown instance', { kind: 'instance', name: 'no', tags: ['a'] }, /Instance 'no' not known$/],
  ['too many', { kind: 'cluster', tags: Array.from({ length: 4097 }, (_, i) => `t${i}`) }, /Too many tags$/],
];
for (const [what, request, words] of refused) {
  test(`tags are refused for ${what}`, async () => {
    await assert.rejects(runOperation(createMemoryCluster({ instances }), tagsSet, request), words);
  });
}

test('tags that an object has not cannot be taken from it', async () => {
  await assert.rejects(
    runOperation(createMemoryCluster(), tagsDel, { kind: 'cluster', tags: ['b', 'a'] }),
    /Tag\(s\) 'a', 'b' not found$/,
  );
});
