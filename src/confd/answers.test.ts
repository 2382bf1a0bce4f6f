/**
 * Answers held to those of Ganeti 3.0.2's own daemon for the same configuration (testdata/real-answers.json: request,
 * query, reply), and to what ours does otherwise.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { replyTo, Unanswerable } from './answers.ts';
import { protocolVersion, type RequestName, requestTypes } from './client/protocol.ts';
import { redacted, viewOf } from './view.ts';

const read = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'testdata', name), 'utf8')) as unknown;
const raw = read('config.json');
const view = viewOf(raw);
const real = read('real-answers.json') as [
  RequestName,
  unknown,
  { status: number; answer: unknown; serial: number },
][];
const ask = (name: RequestName, query: unknown = null, of: typeof view | Error = view) =>
  replyTo(of, { protocol: protocolVersion, type: requestTypes[name], query, rsalt: 'salt' });

/** Whole objects have every default of Ganeti's in its answers, and their secrets. */
const wholeObjects = new Set<RequestName>(['nodeInstances', 'instanceDisks']);
/** Sentences of Ganeti's are its data types in print. */
const plainWords = (answer: unknown) =>
  typeof answer === 'string'
    ? answer
        .replace(/^Failure: prerequisites not met for this operation:\n.*\n/, '')
        .replace(/OpPrereqError "(.*)" ECodeNoEnt/, '$1')
    : answer;

test('every request type has a recorded answer', () => {
  assert.deepEqual(new Set(real.map(([name]) => name)), new Set(Object.keys(requestTypes)));
});

for (const [name, query, reply] of real) {
  test(`${name} ${JSON.stringify(query)} is answered as Ganeti's daemon does`, () => {
    const ours = ask(name, query);
    const isShort = name === 'nodeRoleByName' && query === 'node1';
    if (isShort) return assert.equal(ours.answer, 0, 'the master under its short name is the master');
    assert.deepEqual([ours.status, ours.serial], [reply.status, reply.serial]);
    if (!wholeObjects.has(name) || reply.status !== 0)
      return assert.deepEqual(ours.answer, plainWords(reply.answer));
    const uuids = (answer: unknown) =>
      JSON.stringify(answer, (_key, value: unknown) =>
        typeof value === 'object' && value !== null && 'uuid' in value ? value.uuid : value,
      );
    return assert.equal(uuids(ours.answer), uuids(reply.answer));
  });
}

test('fields of the master may be texts, as confd-client sends them', () => {
  assert.deepEqual(ask('clusterMaster', { 3: ['0', '2'] }).answer, ['node1.example.com', '192.0.2.82']);
  assert.throws(() => ask('clusterMaster', { 3: [7] }), Unanswerable);
});

test('no secret is told', () => {
  const everything = JSON.stringify([
    ask('configQuery', '/instances').answer,
    ask('configQuery', '/disks').answer,
    ask('configQuery', '/cluster').answer,
    ask('nodeInstances', 'node1.example.com').answer,
    ask('instanceDisks', 'instance1.example.com').answer,
  ]);
  assert.ok(everything.includes(redacted));
  for (const secret of ['hush', 'd3c3fd475fcbaf5fd177fb245ac43b71247ada38']) {
    assert.ok(JSON.stringify(raw).includes(secret), 'the sample has the secret');
    assert.ok(!everything.includes(secret));
  }
});

test('without a configuration every answer says why', () => {
  const reply = ask('ping', null, new Error('Configuration not yet loaded'));
  assert.deepEqual([reply.status, reply.answer, reply.serial], [1, 'Configuration not yet loaded', 0]);
});

test('collectors of Xen are active where a Xen hypervisor is', () => {
  const { cluster } = view.configuration;
  const kvm = {
    ...view,
    configuration: { ...view.configuration, cluster: { ...cluster, enabled_hypervisors: ['kvm'] } },
  };
  const active = ask('dataCollectors', null, kvm).answer as Record<string, { active: boolean }>;
  assert.deepEqual([active['inst-status-xen']!.active, active.lv!.active], [false, true]);
});

test('what is no configuration is refused', () => {
  for (const value of [null, [], {}, { cluster: {} }, { cluster: {}, nodes: [], instances: {}, disks: {} }])
    assert.throws(() => viewOf(value), /has not all of its tables/);
});
