import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { memoryToFit, requireVersions } from './migrate-checks.ts';

const ends = (source: string | null, target: string | null, memoryFree = 100) => ({
  source: { version: source, memoryFree },
  target: { version: target, memoryFree },
});

function saidOf(hypervisor: string, source: string | null, target: string | null, ignore = false): string[] {
  const said: string[] = [];
  requireVersions({ say: (text) => said.push(text) }, hypervisor, ends(source, target), ignore);
  return said;
}

test('versions that are alike, or not known, need no word', () => {
  assert.deepEqual(saidOf('kvm', '7.2', '7.2'), []);
  assert.deepEqual(saidOf('fake', null, '1'), []);
});

test('a machine version makes other versions of QEMU safe; Xen takes one step up', () => {
  const safe = ['* warning: hypervisor version mismatch between source (7.2) and target (10.0) node'];
  assert.deepEqual(saidOf('kvm', '7.2', '10.0').slice(0, 1), safe);
  assert.match(saidOf('xen-pvm', '4.16', '4.17')[1]!, /should be safe/);
  assert.throws(() => saidOf('xen-pvm', '4.17', '4.16'), /Unsupported migration between hypervisor versions/);
  assert.throws(() => saidOf('xen-hvm', '4.15', '4.17'), /\(4\.15 to 4\.17\)/);
  assert.throws(() => saidOf('fake', '1', '2'), /Unsupported/);
});

test('a mismatch can be ignored', () => {
  assert.equal(
    saidOf('fake', '1', '2', true).at(-1),
    '  continuing anyway (told to ignore version mismatch)',
  );
});

test('a guest that is larger than what the target has comes down to that, when it may', () => {
  const instance = { name: 'inst1' } as Instance;
  const node = { name: 'node2' } as Node;
  assert.equal(memoryToFit(ends(null, null), instance, node, 100, true), undefined);
  assert.equal(memoryToFit(ends(null, null), instance, node, 101, true), 100);
  assert.throws(
    () => memoryToFit(ends(null, null), instance, node, 101, false),
    /Memory ballooning not allowed .* node2 \(have 100MB, need 101MB\)/,
  );
});
