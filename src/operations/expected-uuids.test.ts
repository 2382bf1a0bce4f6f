import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration } from '../model/configuration.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Node } from '../model/objects/node.ts';
import { Table } from '../model/table.ts';
import { requireExpectedUuids } from './expected-uuids.ts';

const configuration = {
  instances: Table.of([{ uuid: 'u1', name: 'web1.example.com' } as Instance]),
  nodes: Table.of([1, 2].map((n) => ({ uuid: `n${n}`, name: `node${n}.example.com` }) as Node)),
} as Configuration;
const check = (op: Record<string, unknown>) => requireExpectedUuids(op, configuration);

test('uuids that nobody gave, and those that are right, are fine', () => {
  check({ instance_name: 'web1', instance_uuid: null });
  check({ instance_name: 'web1', instance_uuid: 'u1', target_node: 'node2', target_node_uuid: 'n2' });
  check({ nodes: ['node1', 'node2'], node_uuids: ['n1', 'n2'] });
  check({ instance_uuid: 'u1' });
});

test('an object of the same name that is another one is not touched', () => {
  assert.throws(
    () => check({ instance_name: 'web1', instance_uuid: 'u0' }),
    /The instances UUID 'u1' does not match the expected UUID 'u0' for instance 'web1.example.com'. Maybe the instance changed since you submitted this job\.$/,
  );
  assert.throws(() => check({ pnode: 'node1', pnode_uuid: 'n2' }), /for node 'node1.example.com'/);
  assert.throws(
    () => check({ remote_node: 'node2', remote_node_uuid: 'n1' }),
    /for node 'node2.example.com'/,
  );
  assert.throws(() => check({ nodes: ['node1', 'node2'], node_uuids: ['n1', 'n1'] }), /'node2.example.com'/);
});
