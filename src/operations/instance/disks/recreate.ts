/**
 * OP_INSTANCE_RECREATE_DISKS: lost disks come back, empty, where they were or on other nodes. A volume that
 * is there still is never touched: the plan looks at every one before anything is made.
 */
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, instanceNamed, nodeNamed, nodesOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { blockdevFind } from '../../../noderpc/calls/disk.ts';
import { InstanceRecreateDisks } from '../../../opcodes/instance.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { requireOnline } from '../../checks.ts';
import { instanceHooks } from '../../hooks-environment.ts';
import { diskOnNode } from '../../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../../operation.ts';
import { changeObjects, difference } from '../../steps/changes.ts';
import { createVolume, deactivateDisks, volumeInfo } from '../../steps/disks.ts';
import { asNewInstance, candidateLocks, chooseNodes } from '../choose-nodes.ts';
import { instanceLocks } from '../locks.ts';
import { hasExclusiveStorage, requireSpindles } from '../modify/disk-requests.ts';
import type { DiskRequest } from '../plan-disks.ts';
import { notRunning, requireState } from '../state.ts';
import { wipeNewDisks, wipeSteps } from '../wipe.ts';

type Op = OpcodeOf<typeof InstanceRecreateDisks>;

interface Recreated {
  readonly index: number;
  readonly before: Disk;
  readonly after: Disk;
}

interface RecreatePlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly moved: Instance;
  readonly disks: readonly Recreated[];
  /** Disks of which only the nodes change. */
  readonly changesNodes: boolean;
}

const modifiable = new Set(['size', 'mode', 'spindles']);

/** What is to change by index; an empty map means all disks as they were. */
function wishesOf(op: Op): Map<number, DiskRequest> {
  const pairs = (op.disks as readonly (number | readonly [number, DiskRequest])[]).map(
    (item): [number, DiskRequest] => (typeof item === 'number' ? [item, {}] : [item[0], item[1]]),
  );
  const isOldForm = typeof op.disks[0] === 'number';
  const twice = pairs.filter(([index], at) => pairs.findIndex(([other]) => other === index) !== at);
  if (twice.length > 0 && !isOldForm) {
    throw prerequisiteFailure(
      `Some disks have been specified more than once: ${[...new Set(twice.map(([index]) => index))].join(', ')}`,
      ErrorCode.invalid,
    );
  }
  for (const [index, options] of pairs) {
    const wrong = Object.keys(options).filter((key) => !modifiable.has(key));
    if (wrong.length === 0) continue;
    throw prerequisiteFailure(
      `Parameters for disk ${index} try to change unmodifyable parameter(s): ${wrong.join(', ')}`,
      ErrorCode.invalid,
    );
  }
  return new Map(pairs);
}

async function newNodes(op: Op, context: PlanContext, instance: Instance): Promise<string[] | undefined> {
  const { configuration } = context;
  if (op.iallocator !== null) {
    const nodes = await chooseNodes(context, op.iallocator, asNewInstance(configuration, instance));
    return nodes.map((node) => node.uuid);
  }
  if (op.nodes.length === 0) return undefined;
  const uuids = op.nodes.map((name) => nodeNamed(configuration, name).uuid);
  const current = nodesOf(configuration, instance);
  if (uuids.length !== current.length) {
    throw prerequisiteFailure(
      `Instance ${instance.name} currently has ${current.length} nodes, but ${uuids.length} replacement nodes were specified`,
      ErrorCode.invalid,
    );
  }
  return uuids;
}

function changed(context: PlanContext, disk: Disk, options: DiskRequest, nodes: string[] | undefined): Disk {
  const { reservations, owner } = context;
  const size = options.size === undefined ? disk.size : Number(options.size);
  const [data, ...rest] = disk.children ?? [];
  const sized: Disk = {
    ...disk,
    size,
    ...(options.mode === undefined ? {} : { mode: options.mode as Disk['mode'] }),
    ...(options.spindles === undefined ? {} : { spindles: Number(options.spindles) }),
    ...(data === undefined ? {} : { children: [{ ...data, size }, ...rest] }),
  };
  if (nodes === undefined) return sized;
  if (storageAbout(disk.dev_type).mirrored !== 'internal') return { ...sized, nodes };
  const [, , port, , , secret] = disk.logical_id ?? [];
  const [first, second] = reservations.allocateMinors(owner, nodes);
  return {
    ...sized,
    nodes,
    logical_id: [nodes[0]!, nodes[1]!, port ?? null, first!, second!, secret ?? null],
    children: sized.children?.map((child) => ({ ...child, nodes })),
  };
}

/** Nodes that hold a disk: of a template without mirrors the primary alone. */
function holders({ moved }: Pick<RecreatePlan, 'moved'>, disk: Disk): string[] {
  const primary = moved.primary_node;
  if (storageAbout(disk.dev_type).mirrored !== 'internal') return [primary];
  return [...disk.nodes.filter((node) => node !== primary), primary];
}

/** @throws Failure OpExecError when a volume is there already */
async function requireLost(context: PlanContext, plan: RecreatePlan): Promise<void> {
  const { configuration, nodes } = context;
  for (const { after, index } of plan.disks) {
    for (const node of holders(plan, after)) {
      for (const volume of after.children?.length ? after.children : [after]) {
        const request = diskOnNode(configuration, plan.instance, volume, index, node);
        const found = await nodes.call(node, blockdevFind, { disk: request });
        if (found === null) continue;
        throw executionFailure(
          `Can't create block device ${volume.dev_type} ${JSON.stringify(volume.logical_id)} on node ${configuration.nodes.get(node)?.name ?? node} for instance ${plan.instance.name}: it exists already (${found.path})`,
        );
      }
    }
  }
}

async function plan(op: Op, context: PlanContext): Promise<RecreatePlan> {
  const { configuration } = context;
  const wishes = wishesOf(op);
  const instance = instanceNamed(configuration, op.instance_name);
  const disks = disksOf(configuration, instance);
  if (op.nodes.length > 0 && op.iallocator !== null) {
    throw prerequisiteFailure('Do not specify both, iallocator and node', ErrorCode.invalid);
  }
  if (disks.length === 0)
    throw prerequisiteFailure(`Instance '${instance.name}' has no disks`, ErrorCode.invalid);
  const wanted = wishes.size > 0 ? wishes : new Map(disks.map((_, index) => [index, {}]));
  const highest = Math.max(...wanted.keys());
  if (highest >= disks.length)
    throw prerequisiteFailure(`Invalid disk index '${highest}'`, ErrorCode.invalid);
  const movesNodes = op.nodes.length > 0 || op.iallocator !== null;
  if (movesNodes && wanted.size !== disks.length) {
    throw prerequisiteFailure(
      "Can't recreate disks partially and change the nodes at the same time",
      ErrorCode.invalid,
    );
  }
  const nodes = await newNodes(op, context, instance);
  const primary = configuration.nodes.get(nodes?.[0] ?? instance.primary_node)!;
  requireOnline(primary);
  const isOldPrimaryGone = configuration.nodes.get(instance.primary_node)?.offline === true;
  if (!(movesNodes && isOldPrimaryGone))
    await requireState(context, instance, notRunning, 'cannot recreate disks');
  const exclusive = hasExclusiveStorage(configuration, nodes ?? nodesOf(configuration, instance));
  for (const options of wanted.values()) requireSpindles(options, exclusive, false);
  const made: RecreatePlan = {
    configuration,
    instance,
    moved: { ...instance, primary_node: primary.uuid },
    disks: disks.flatMap((disk, index) => {
      const options = wanted.get(index);
      return options === undefined
        ? []
        : [{ index, before: disk, after: changed(context, disk, options, nodes) }];
    }),
    changesNodes: nodes !== undefined,
  };
  await requireLost(context, made);
  return made;
}

async function run(plan: RecreatePlan, job: JobHandle): Promise<null> {
  const { configuration, instance, moved } = plan;
  if (plan.changesNodes) {
    job.warn(
      "Changing the instance's nodes, you will have to remove any disks left on the older nodes manually",
    );
  }
  await job.do(changeObjects, {
    label: `recreate disks of instance ${instance.name}`,
    changes: [
      ...difference('instances', instance, moved),
      ...plan.disks.flatMap(({ before, after }) => difference('disks', before, after)),
    ],
  });
  const primary = moved.primary_node;
  const requestOf = (disk: Disk, index: number, node: string) =>
    diskOnNode(configuration, moved, disk, index, node);
  for (const { after, index } of plan.disks) {
    for (const node of holders(plan, after)) {
      await job.do(createVolume, {
        node,
        disk: requestOf(after, index, node),
        info: volumeInfo(instance.name),
        onPrimary: node === primary,
      });
    }
  }
  const requests = plan.disks.map(({ after, index }) => requestOf(after, index, primary));
  await wipeNewDisks(job, configuration, primary, requests);
  for (const { after, index } of plan.disks) {
    for (const node of holders(plan, after).reverse()) {
      const disks = [requestOf(after, index, node)];
      await job.do(deactivateDisks, { node, disks, wasPrimary: node === primary, wasActive: false });
    }
  }
  await job.keep();
  return null;
}

export const instanceRecreateDisks = operation({
  opcode: InstanceRecreateDisks,
  steps: [...new Set([changeObjects, createVolume, deactivateDisks, ...wipeSteps])],
  locks: (op, configuration) => [
    ...instanceLocks(
      configuration,
      op.instance_name,
      op.nodes.map((name) => nodeNamed(configuration, name).uuid),
    ),
    ...(op.iallocator === null ? [] : candidateLocks(configuration)),
  ],
  plan,
  hooks: (_op, { instance }, configuration) =>
    instanceHooks('instance-recreate-disks', configuration, instance, nodesOf(configuration, instance)),
  run,
});
