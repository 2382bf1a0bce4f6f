import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { opcodes } from './catalog.ts';
import { InstanceCreate, InstanceSetParams, InstanceShutdown } from './instance.ts';
import { NetworkAdd } from './network.ts';
import { type AnyOpcode, commonParameters, parseOpcode, summaryOf } from './opcode.ts';
import { TestDelay } from './test.ts';
import { deviceChanges } from './values.ts';

const reference = resolve(import.meta.dirname, '../../../shared/surface/opcodes.json');

interface ReferenceParameter {
  readonly name: string;
  readonly type: string;
  readonly default: unknown;
  readonly required: boolean;
}
interface Reference {
  readonly common_params: readonly ReferenceParameter[];
  readonly opcodes: Readonly<
    Record<string, { readonly summary_field: string | null; readonly params: readonly ReferenceParameter[] }>
  >;
}

function described(params: Readonly<Record<string, unknown>>): ReferenceParameter[] {
  return Object.entries(params as typeof commonParameters).map(([name, parameter]) => ({
    name,
    type: parameter.type.description,
    default: parameter.default ?? null,
    required: parameter.required,
  }));
}

/** Parameters that take more than Ganeti's do: networks of IPv6 alone, and gateways that are taken away. */
const wider: Readonly<Record<string, Pick<ReferenceParameter, 'type' | 'required'>>> = {
  'OP_NETWORK_ADD.network': { type: 'None or (String and (IPv4 network))', required: false },
  ...Object.fromEntries(
    (
      [
        ['gateway', 'IPv4 address'],
        ['network6', 'IPv6 network'],
        ['gateway6', 'IPv6 address'],
      ] as const
    ).map(([name, kind]) => [
      `OP_NETWORK_SET_PARAMS.${name}`,
      { type: `None or ((OneOf none) or (String and (${kind})))`, required: false },
    ]),
  ),
};

/** Opcodes that Ganeti has not. */
const additional = new Set(['OP_CLUSTER_REPAIR']);

test('every opcode has the parameters, defaults and types that Ganeti documents', {
  skip: existsSync(reference) ? false : 'the description of the surface is not beside this checkout',
}, () => {
  const { opcodes: expected, common_params } = JSON.parse(readFileSync(reference, 'utf8')) as Reference;
  const kept = (list: readonly ReferenceParameter[]) =>
    list.map(({ name, type, default: value, required }) => ({ name, type, default: value, required }));
  assert.deepEqual(
    [...opcodes.keys()].filter((id) => !additional.has(id)).sort(),
    Object.keys(expected).sort(),
  );
  for (const [id, definition] of opcodes) {
    if (additional.has(id)) continue;
    const own = kept(expected[id]!.params).map((each) => ({ ...each, ...wider[`${id}.${each.name}`] }));
    assert.deepEqual(described(definition.params), own, id);
    assert.equal(definition.summary ?? null, expected[id]!.summary_field, id);
  }
  assert.deepEqual(described(commonParameters), kept(common_params));
});

test('ids are unique and every default passes its own check', () => {
  assert.equal(opcodes.size, 76 + additional.size);
  for (const [id, { params, doc }] of opcodes) {
    assert.match(doc, /\.$/, id);
    for (const [name, parameter] of Object.entries(params)) {
      assert.notEqual(parameter.doc, '', `${id}.${name}`);
      if (!parameter.required) assert.ok(parameter.type.accepts(parameter.default), `${id}.${name}`);
    }
  }
});

test('defaults are filled in and null is no value for a parameter that has a type', () => {
  const op = parseOpcode(InstanceShutdown, { OP_ID: InstanceShutdown.id, instance_name: 'web1' });
  assert.equal(op.timeout, 120);
  assert.equal(op.priority, 0);
  assert.throws(
    () => parseOpcode(InstanceShutdown, { OP_ID: InstanceShutdown.id, instance_name: 'web1', timeout: null }),
    /Parameter 'OP_INSTANCE_SHUTDOWN.timeout' fails validation/,
  );
  assert.throws(
    () => parseOpcode(InstanceShutdown, { OP_ID: InstanceShutdown.id, instance_name: 'web1', colour: 1 }),
    /colour/,
  );
});

test('changes of devices in both forms', () => {
  const parse = (nics: unknown) =>
    deviceChanges(
      parseOpcode(InstanceSetParams, { OP_ID: InstanceSetParams.id, instance_name: 'a', nics } as AnyOpcode)
        .nics,
    );
  assert.deepEqual(parse([['add', -1, { mac: 'auto' }]]), [
    { action: 'add', target: -1, options: { mac: 'auto' } },
  ]);
  assert.deepEqual(parse([['modify', 'eth', { ip: null }]]), [
    { action: 'modify', target: 'eth', options: { ip: null } },
  ]);
  assert.deepEqual(parse([['remove', {}]]), [{ action: 'remove', target: -1, options: {} }]);
  assert.deepEqual(parse([[1, { link: 'br1' }]]), [
    { action: 'modify', target: 1, options: { link: 'br1' } },
  ]);
  assert.throws(() => parse([['modify', {}]]), /nics' fails/);
  assert.throws(() => parse([['add', -1, { speed: '1' }]]), /nics' fails/);
});

test('addresses and networks', () => {
  const accepts = (name: 'network' | 'gateway' | 'network6' | 'gateway6', value: string) =>
    NetworkAdd.params[name].type.accepts(value);
  assert.ok(accepts('network', '192.0.2.0/24'));
  assert.ok(accepts('network', '192.0.2.1/24'), 'the operation says what is wrong with it');
  assert.ok(!accepts('network', '192.0.2.0/33'));
  assert.ok(accepts('network', '0.0.0.0/0'));
  assert.ok(accepts('gateway', '192.0.2.255'));
  assert.ok(!accepts('gateway', '192.0.2.256'));
  assert.ok(!accepts('gateway', '192.0.02.1'));
  assert.ok(accepts('network6', '2001:db8::/64'));
  assert.ok(!accepts('network6', '2001:db8::1/64'));
  assert.ok(accepts('gateway6', '::ffff:192.0.2.1'));
  for (const wrong of ['1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', ':1', '']) {
    assert.ok(!accepts('gateway6', wrong), wrong);
  }
});

test('dependencies name jobs and final states', () => {
  const accepts = (value: unknown) => commonParameters.depends.type.accepts(value);
  assert.ok(accepts(null));
  assert.ok(
    accepts([
      [12, ['success']],
      ['13', []],
      [-1, ['error', 'canceled']],
    ]),
  );
  assert.ok(!accepts([[12, ['running']]]));
  assert.ok(!accepts([['job', ['success']]]));
});

test('secrets are known as such', () => {
  assert.equal(InstanceCreate.params.osparams_private.type.secret, true);
  assert.equal(InstanceCreate.params.osparams_secret.type.secret, true);
  assert.equal(InstanceCreate.params.osparams.type.secret, undefined);
});

test('summaries as job lists show them', () => {
  assert.equal(
    summaryOf(InstanceShutdown, { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: 'web1' }),
    'INSTANCE_SHUTDOWN(web1)',
  );
  assert.equal(summaryOf(TestDelay, { OP_ID: 'OP_TEST_DELAY', duration: 30 }), 'TEST_DELAY(30.0)');
  assert.equal(summaryOf(TestDelay, { OP_ID: 'OP_TEST_DELAY', duration: 0.25 }), 'TEST_DELAY(0.25)');
});
