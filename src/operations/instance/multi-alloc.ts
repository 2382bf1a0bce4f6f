/** OP_INSTANCE_MULTI_ALLOC: nodes for many new instances at once, and a job for each that found some. */
import type { NewInstance } from '../../allocator/wish.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed } from '../../model/lookup.ts';
import { backendParameters, splitMemory } from '../../model/params/backend.ts';
import { changeLevel, enforceTypes, type ParameterValues } from '../../model/params/family.ts';
import { filledBackend } from '../../model/params/fill.ts';
import { InstanceCreate, InstanceMultiAlloc } from '../../opcodes/instance.ts';
import { type AnyOpcode, type OpcodeOf, parseOpcode } from '../../opcodes/opcode.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { allocateOrFail, allocatorOrNode } from '../allocate.ts';
import { type FollowUpJobs, operation, type PlanContext } from '../operation.ts';
import { candidateLocks, nodeCountOf } from './choose-nodes.ts';
import { wantedDisk } from './plan-disks.ts';

type Op = OpcodeOf<typeof InstanceMultiAlloc>;
type Create = OpcodeOf<typeof InstanceCreate>;

interface Wanted {
  /** As it came, for the job. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Checked, with defaults. */
  readonly op: Create;
}

function wantedOf(op: Op): Wanted[] {
  return (op.instances as readonly AnyOpcode[]).map((given) => {
    if (given.OP_ID !== InstanceCreate.id) {
      throw prerequisiteFailure(
        `Only ${InstanceCreate.id} can be allocated, not ${String(given.OP_ID)}`,
        ErrorCode.invalid,
      );
    }
    return { given, op: parseOpcode(InstanceCreate, given) };
  });
}

/** All of them name their nodes, or none does. @returns whether they do */
function namesNodes(wanted: readonly Wanted[]): boolean {
  const wrong = (message: string) => prerequisiteFailure(message, ErrorCode.invalid);
  const names: boolean[] = [];
  for (const { op } of wanted) {
    if (op.iallocator !== null) throw wrong('iallocator are not allowed to be set on instance objects');
    names.push(op.pnode !== null);
    if (op.disk_template !== null && storageAbout(op.disk_template).needsSecondary)
      names.push(op.snode !== null);
  }
  const some = names.some(Boolean);
  if (some && !names.every(Boolean))
    throw wrong('There are instance objects providing pnode/snode while others do not');
  return some;
}

function requireDifferentNames(wanted: readonly Wanted[]): void {
  const names = wanted.map(({ op }) => op.instance_name);
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  if (twice.length > 0) {
    throw prerequisiteFailure(`There are duplicate instance names: ${twice.join(', ')}`, ErrorCode.invalid);
  }
}

function newInstanceOf({ cluster, ...configuration }: Configuration, op: Create): NewInstance {
  const template = op.disk_template ?? cluster.enabled_disk_templates[0]!;
  const about = storageAbout(template);
  const own = enforceTypes(backendParameters, splitMemory(op.beparams as ParameterValues));
  const backend = filledBackend(cluster, { beparams: changeLevel({}, own) });
  const whole = { ...configuration, cluster };
  return {
    name: op.instance_name,
    template,
    tags: op.tags,
    os: op.os_type ?? '',
    vcpus: backend.vcpus,
    memory: backend.maxmem,
    spindleUse: backend.spindle_use,
    disks: op.disks.map((disk) => {
      const { size, mode, spindles, vg } = wantedDisk(whole, about, disk);
      return { size, mode, spindles: spindles ?? undefined, vg: vg ?? undefined };
    }),
    nics: op.nics.map(({ ip, network }) => ({ ip: ip ?? null, network: network ?? undefined })),
    hypervisor: op.hypervisor ?? cluster.enabled_hypervisors[0]!,
    nodeCount: nodeCountOf(template),
    group: op.group_name,
  };
}

async function allocated(
  context: PlanContext,
  iallocator: string,
  wanted: readonly Wanted[],
): Promise<FollowUpJobs> {
  const instances = wanted.map(({ op }) => newInstanceOf(context.configuration, op));
  const wish = { kind: 'multi-allocate', instances } as const;
  const [placed, failed] = await allocateOrFail<'multi-allocate'>(context, iallocator, wish);
  const byName = new Map(wanted.map((each) => [each.op.instance_name, each.given]));
  return {
    jobs: placed.map(([name, [pnode, snode]]) => [
      { ...byName.get(name), pnode, ...(snode === undefined ? {} : { snode }) },
    ]),
    other: { allocatable: placed.map(([name]) => name), failed },
  };
}

function locks(op: Op, configuration: Configuration): LockRequest[] {
  const wanted = wantedOf(op);
  if (!namesNodes(wanted)) return candidateLocks(configuration, { opportunistic: op.opportunistic_locking });
  const names = wanted.flatMap((each) => [each.op.pnode, each.op.snode].filter((name) => name !== null));
  return [...new Set(names.map((name) => nodeNamed(configuration, name).uuid))].map(
    (name): LockRequest => ({ level: 'node', name, mode: 'shared' }),
  );
}

export const instanceMultiAlloc = operation({
  opcode: InstanceMultiAlloc,
  steps: [],
  locks,
  plan: async (op, context): Promise<FollowUpJobs> => {
    const wanted = wantedOf(op);
    const hasNodes = namesNodes(wanted);
    if (op.opportunistic_locking && op.iallocator === null) {
      throw prerequisiteFailure(
        'Opportunistic locking is only available in combination with an instance allocator',
        ErrorCode.invalid,
      );
    }
    requireDifferentNames(wanted);
    if (!hasNodes) {
      const iallocator = allocatorOrNode(context.configuration, op.iallocator, null)!;
      return await allocated(context, iallocator, wanted);
    }
    return {
      jobs: wanted.map(({ given }) => [given]),
      other: { allocatable: wanted.map(({ op: each }) => each.instance_name), failed: [] },
    };
  },
  run: async (jobs) => jobs,
  dryRunResult: (jobs) => ({ ...jobs.other, jobs: [] }) as never,
});
