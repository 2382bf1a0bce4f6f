import assert from 'node:assert/strict';
import { test } from 'node:test';
import { surface } from './surface.ts';

test('every list is filled from its table', async () => {
  const lists = await surface();
  for (const [list, entries] of Object.entries(lists)) assert.notEqual(entries.length, 0, list);
  assert.ok(lists.commands?.includes('gnt-instance list'));
  assert.ok(
    lists.options?.includes('gnt-instance list --filter') || lists.options?.includes('gnt-instance list -F'),
  );
  assert.ok(lists.opcodes?.includes('OP_INSTANCE_CREATE'));
  assert.ok(lists.opcode_params?.includes('OP_INSTANCE_CREATE.disks'));
  assert.ok(lists.fields?.includes('instance disk.size/0'));
  assert.ok(lists.hooks?.includes('node-add'));
  for (const program of ['gnt-instance', 'ganeti-masterd', 'net-common', 'kvm-nic-setup'])
    assert.ok(lists.programs?.includes(program), program);
  assert.ok(!lists.programs?.includes('gantry-supervise'));
});
