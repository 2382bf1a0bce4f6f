/** OP_TEST_ALLOCATOR: shows what an allocator would be asked, or what it answers. Nothing comes of it. */
import type { Wish } from '../../allocator/wish.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { parseUnit } from '../../kit/units.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, groupNamed, instanceNamed, secondariesOf } from '../../model/lookup.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { TestAllocator } from '../../opcodes/test.ts';
import { askAllocator, spaceOf, withRequest } from '../allocate.ts';
import { candidateLocks, nodeCountOf } from '../instance/choose-nodes.ts';
import { operation } from '../operation.ts';

type Op = OpcodeOf<typeof TestAllocator>;
type NewInstance = (Wish & { kind: 'allocate' })['instance'];

const wrong = (message: string) => prerequisiteFailure(message, ErrorCode.invalid);

interface TriedDisk {
  readonly size: number;
  readonly mode: 'rw' | 'ro';
}

function disksOfRequest(op: Op): TriedDisk[] {
  return (op.disks ?? []).map((row) => {
    const { size, mode } = (row ?? {}) as { size?: unknown; mode?: unknown };
    const isSound =
      (typeof size === 'number' || typeof size === 'string') && (mode === 'rw' || mode === 'ro');
    if (!isSound) throw wrong("Invalid contents of the 'disks' parameter");
    return { size: typeof size === 'number' ? size : parseUnit(size), mode };
  });
}

function newInstance(op: Op, { cluster }: Configuration, name: string): NewInstance {
  const template = op.disk_template ?? cluster.enabled_disk_templates[0]!;
  return {
    name,
    template,
    tags: op.tags,
    os: op.os ?? '',
    vcpus: op.vcpus ?? 1,
    memory: op.memory ?? 0,
    spindleUse: op.spindle_use,
    disks: disksOfRequest(op),
    nics: (op.nics ?? []) as NewInstance['nics'],
    hypervisor: op.hypervisor ?? cluster.enabled_hypervisors[0]!,
    nodeCount: nodeCountOf(template),
    group: op.group_name,
  };
}

function requireFree(configuration: Configuration, name: string): void {
  if (configuration.instances.byName(name) === undefined) return;
  throw prerequisiteFailure(`Instance '${name}' already in the cluster`, ErrorCode.exists);
}

function requireInstances(op: Op, configuration: Configuration): string[] {
  if (op.instances === null || op.instances.length === 0) throw wrong('Missing instances');
  return op.instances.map((name) => instanceNamed(configuration, name).name);
}

function wishOf(op: Op, configuration: Configuration): Wish {
  switch (op.mode) {
    case 'allocate':
      requireFree(configuration, op.name);
      return { kind: 'allocate', instance: newInstance(op, configuration, op.name), onlyNodes: null };
    case 'multi-allocate': {
      requireFree(configuration, op.name);
      const names = Array.from({ length: op.count }, (_, index) => `${op.name}${index}`);
      const instances = names.map((name) => newInstance(op, configuration, name));
      return { kind: 'multi-allocate', instances };
    }
    case 'allocate-secondary':
      return { kind: 'allocate-secondary', name: instanceNamed(configuration, op.name).name };
    case 'relocate': {
      const instance = instanceNamed(configuration, op.name);
      const disks = disksOf(configuration, instance);
      return {
        kind: 'relocate',
        name: instance.name,
        diskSpace: disks.reduce((sum, { dev_type, size }) => sum + spaceOf({ template: dev_type, size }), 0),
        from: secondariesOf(configuration, instance).map((uuid) => configuration.nodes.get(uuid)!.name),
      };
    }
    case 'node-evacuate':
      return {
        kind: 'node-evacuate',
        instances: requireInstances(op, configuration),
        mode: op.evac_mode ?? 'all',
      };
    case 'change-group':
      return {
        kind: 'change-group',
        instances: requireInstances(op, configuration),
        groups: (op.target_groups ?? []).map((name) => groupNamed(configuration, name).uuid),
      };
  }
}

export const testAllocator = operation({
  opcode: TestAllocator,
  steps: [],
  locks: (_op, configuration) => candidateLocks(configuration),
  plan: async (op, context): Promise<string> => {
    const wish = wishOf(op, context.configuration);
    if (op.direction === 'out' && op.iallocator === null) throw wrong('Missing allocator name');
    return await withRequest(context, wish, async (request) => {
      if (op.direction === 'in') return request;
      const answer = await askAllocator(context, op.iallocator!, request);
      // The answer as programs write it, with the end of its line.
      return answer.endsWith('\n') ? answer : `${answer}\n`;
    });
  },
  run: async (text) => text,
});
