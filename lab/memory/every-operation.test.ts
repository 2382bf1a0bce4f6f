/**
 * A walk over the catalog of operations: each has its undo proof, or is seen to change nothing, or stands in the table
 * of what can't be taken back, with the reason.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { operations } from '../../src/operations/catalog.ts';
import { groupAdd } from '../../src/operations/group/add.ts';
import { groupAssignNodes } from '../../src/operations/group/assign-nodes.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Faults, faultyWorld } from '../../src/operations/proves-undo-faults.ts';
import { memoryInstance, memoryWorld, nodeName } from './cluster.ts';
import { preparedWorld, type Request, runSeen } from './run.ts';
import { web1 } from './web1.ts';

/** Operations with effects of which nothing is to be taken back. */
const withoutUndo: Readonly<Record<string, string>> = {
  OP_CLUSTER_REDIST_CONF: 'writes again what every node should have already; nobody wants what stood there',
  OP_CLUSTER_VERIFY_GROUP: 'runs the hooks of the site, and changes nothing itself',
};

const instances = [memoryInstance(web1.instance_name)];
const anInstance = memoryWorld({ instances });
const rack2 = { group_name: 'rack2' };
const elsewhere = preparedWorld({ nodes: 4, instances }, [
  [groupAdd, rack2],
  [groupAssignNodes, { ...rack2, nodes: [nodeName(3), nodeName(4)] }],
]);
const byHail = { iallocator: 'hail' };
const fresh = { OP_ID: 'OP_INSTANCE_CREATE', instance_name: 'new1.memory.example', mode: 'create' };
const wanted = { ...fresh, disk_template: 'plain', os_type: 'noop', disks: [{ size: 64 }], nics: [{}] };
const tried = { direction: 'out', mode: 'allocate', name: 'new1.memory.example', nics: [], memory: 128 };

/** Requests of operations that read, or hand over jobs and no more; where, when a bare cluster won't do. */
const readers: readonly (readonly [string, Request, typeof anInstance?])[] = [
  ['OP_CLUSTER_CONFIG_QUERY', { output_fields: ['cluster_name'] }],
  ['OP_CLUSTER_DESTROY', {}, memoryWorld({ nodes: 1 })],
  ['OP_CLUSTER_QUERY', {}],
  ['OP_CLUSTER_VERIFY', {}],
  ['OP_CLUSTER_VERIFY_CONFIG', {}],
  ['OP_CLUSTER_VERIFY_DISKS', {}],
  ['OP_EXT_STORAGE_DIAGNOSE', { output_fields: ['name'] }],
  ['OP_GROUP_EVACUATE', { group_name: 'default', ...byHail }, elsewhere],
  ['OP_GROUP_VERIFY_DISKS', { group_name: 'default' }, anInstance],
  ['OP_INSTANCE_CHANGE_GROUP', { ...web1, ...byHail }, elsewhere],
  ['OP_INSTANCE_CONSOLE', web1, anInstance],
  ['OP_INSTANCE_MULTI_ALLOC', { instances: [wanted], ...byHail }],
  ['OP_INSTANCE_QUERY_DATA', {}, anInstance],
  ['OP_NODE_EVACUATE', { node_name: nodeName(2), mode: 'secondary-only', ...byHail }, anInstance],
  ['OP_NODE_MIGRATE', { node_name: nodeName(1) }, anInstance],
  ['OP_NODE_QUERY_STORAGE', { storage_type: 'lvm-vg', output_fields: ['name'] }],
  ['OP_NODE_QUERYVOLS', { output_fields: ['name'] }],
  ['OP_OS_DIAGNOSE', { output_fields: ['name'] }],
  ['OP_QUERY', { what: 'node', fields: ['name'] }],
  ['OP_QUERY_FIELDS', { what: 'node' }],
  ['OP_TAGS_GET', { kind: 'cluster' }],
  ['OP_TAGS_SEARCH', { pattern: 'x' }],
  [
    'OP_TEST_ALLOCATOR',
    { ...tried, vcpus: 1, os: 'noop', disk_template: 'plain', ...byHail, disks: [{ size: 64, mode: 'rw' }] },
  ],
  ['OP_TEST_DELAY', { duration: 0.001 }],
  ['OP_TEST_DUMMY', { result: 1, messages: [], fail: false }],
  ['OP_TEST_JQUEUE', {}],
  ['OP_TEST_OS_PARAMS', { osparams_secret: { password: 'x' } }],
];

const folder = join(import.meta.dirname, '..', '..');

function filesBelow(place: string, ending: string): string[] {
  const names = readdirSync(join(folder, place), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, place, name));
}

/** Names that are handed to `provesUndo` somewhere in this room. */
function provenNames(): Set<string> {
  const texts = filesBelow('lab/memory', '.test.ts').map((path) => readFileSync(path, 'utf8'));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/provesUndo\(\s*(\w+)/g)].map(([, name]) => name!)),
  );
}

/** Operations by the name under which their file exports them. */
async function exported(): Promise<Map<string, AnyOperation>> {
  const found = new Map<string, AnyOperation>();
  for (const path of filesBelow('src/operations', '.ts').filter((name) => !name.endsWith('.test.ts'))) {
    for (const [name, value] of Object.entries((await import(path)) as object))
      if (operations.get((value as AnyOperation | undefined)?.opcode?.id ?? '') === value)
        found.set(name, value);
  }
  return found;
}

describe('every operation', () => {
  test('has its undo proof, or changes nothing, or the reason is known', async () => {
    const names = await exported();
    assert.deepEqual(new Set([...names.values()]), new Set(operations.values()));
    const proven = new Set([...provenNames()].flatMap((name) => names.get(name)?.opcode.id ?? []));
    assert.ok(proven.size > 40, `only ${proven.size} proofs are found`);
    const reading = new Set(readers.map(([id]) => id));
    const waysOf = (id: string) =>
      [proven.has(id), reading.has(id), id in withoutUndo].filter(Boolean).length;
    const all = [...operations.keys()];
    assert.deepEqual(
      all.filter((id) => waysOf(id) === 0),
      [],
      'operations of which nobody knows whether they can be taken back',
    );
    assert.deepEqual(
      all.filter((id) => waysOf(id) > 1),
      [],
      'operations that stand in two places',
    );
    assert.deepEqual(
      [...reading, ...Object.keys(withoutUndo)].filter((id) => !operations.has(id)),
      [],
      'there is no such operation',
    );
    const stepping = [...reading, ...Object.keys(withoutUndo)].filter(
      (id) => operations.get(id)!.steps.length > 0,
    );
    assert.deepEqual(stepping, [], 'what has steps has something to prove');
  });

  for (const [id, request, place = memoryWorld()] of readers) {
    test(`${id} changes nothing`, async () => {
      const setting = await place.fresh();
      const faults = new Faults();
      const before = setting.snapshot();
      await runSeen({ world: faultyWorld(setting.world, faults) }, operations.get(id)!, request);
      assert.equal(faults.effects, 0);
      assert.deepEqual(setting.snapshot(), before);
    });
  }
});
