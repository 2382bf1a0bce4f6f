/** Instances that leave nodes or groups: an allocator says where to, jobs carry it out (cmdlib LoadNodeEvacResult). */
import type { ResultOf } from '../allocator/answer.ts';
import { ErrorCode, executionFailure, prerequisiteFailure } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import { nodesOf } from '../model/lookup.ts';
import type { Instance } from '../model/objects/instance.ts';
import { allocate, allocatorOrNode } from './allocate.ts';
import type { FollowUpJobs, PlanContext } from './operation.ts';

type Moves = ResultOf<'node-evacuate'>;
type Jobs = FollowUpJobs['jobs'];

/** Opcodes that can let go of old storage early. */
const canReleaseEarly = new Set([
  'OP_INSTANCE_REPLACE_DISKS',
  'OP_INSTANCE_CHANGE_GROUP',
  'OP_NODE_EVACUATE',
]);

export interface LeavingOptions {
  readonly earlyRelease: boolean;
  /** Where they go is said by node, not by group. */
  readonly byNode: boolean;
}

/** @throws Failure OpExecError when any of them can't leave */
export function jobsOf(
  context: Pick<PlanContext, 'info' | 'warn'>,
  [moved, failed, jobs]: Moves,
  { earlyRelease, byNode }: LeavingOptions,
): Jobs {
  if (failed.length > 0) {
    const why = failed.map(([name, reason]) => `${name} (${reason})`).join(', ');
    context.warn(`Unable to evacuate instances ${why}`);
    throw executionFailure(`Unable to evacuate instances ${why}`);
  }
  if (moved.length > 0) {
    const list = moved.map(([name, group, nodes]) => `${name} (to ${byNode ? nodes.join(', ') : group})`);
    context.info(`Instances to be moved: ${list.join(', ')}`);
  }
  return jobs.map((ops) =>
    ops.map((op) => (canReleaseEarly.has(op.OP_ID) ? { ...op, early_release: earlyRelease } : op)),
  );
}

/** Uuids of the groups of an instance's nodes. */
export function groupsOfInstance(configuration: Configuration, instance: Instance): Set<string> {
  const nodes = nodesOf(configuration, instance);
  return new Set(nodes.flatMap((uuid) => configuration.nodes.get(uuid)?.group ?? []));
}

export interface GroupChange extends LeavingOptions {
  readonly iallocator: string | null;
  readonly instances: readonly string[];
  /** Uuids. */
  readonly targets: readonly string[];
  /** "group evacuation", for the words when there is no solution. */
  readonly what: string;
}

/** Jobs that bring instances to other groups. @throws Failure OpPrereqError insufficient_resources */
export async function changeGroups(context: PlanContext, change: GroupChange): Promise<Jobs> {
  const name = allocatorOrNode(context.configuration, change.iallocator, null)!;
  if (change.instances.length === 0) return [];
  const wish = { kind: 'change-group', instances: change.instances, groups: change.targets } as const;
  const { success, info, result } = await allocate<'change-group'>(context, name, wish);
  if (success) return jobsOf(context, result, change);
  throw prerequisiteFailure(
    `Can't compute ${change.what} using iallocator '${name}': ${info}`,
    ErrorCode.resources,
  );
}
