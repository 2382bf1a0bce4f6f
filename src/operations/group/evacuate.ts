/** OP_GROUP_EVACUATE: every instance leaves a node group, by the jobs that an allocator proposes. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { groupNamed } from '../../model/lookup.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { GroupEvacuate } from '../../opcodes/group.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { changeGroups, groupsOfInstance } from '../evacuation.ts';
import { masterHooks } from '../hooks-environment.ts';
import { type FollowUpJobs, operation } from '../operation.ts';
import { nodesOfGroup } from './members.ts';

type Op = OpcodeOf<typeof GroupEvacuate>;
type Job = FollowUpJobs['jobs'][number];

interface EvacuatePlan {
  readonly group: NodeGroup;
  readonly targets: readonly string[];
  readonly jobs: FollowUpJobs['jobs'];
}

function targetsOf(op: Op, configuration: Configuration, group: NodeGroup): string[] {
  const named = op.target_groups?.map((name) => groupNamed(configuration, name).uuid) ?? [];
  if (named.includes(group.uuid)) {
    throw prerequisiteFailure(
      `Group to be evacuated (${group.uuid}) can not be used as a target group (targets are ${named.join(', ')})`,
      ErrorCode.invalid,
    );
  }
  if (named.length > 0) return [...new Set(named)];
  const others = configuration.nodegroups.values().filter(({ uuid }) => uuid !== group.uuid);
  if (others.length === 0)
    throw prerequisiteFailure('There are no possible target groups', ErrorCode.invalid);
  return others.map(({ uuid }) => uuid);
}

function instancesIn(configuration: Configuration, group: string): string[] {
  return configuration.instances
    .filter((instance) => groupsOfInstance(configuration, instance).has(group))
    .map(({ name }) => name);
}

/** A migration as the failover that does the same. */
function asFailover(op: Job[number]): Job[number] {
  if (op.OP_ID !== 'OP_INSTANCE_MIGRATE') return op;
  const { instance_name, target_node = null, ignore_ipolicy = false, cleanup = false } = op;
  return { OP_ID: 'OP_INSTANCE_FAILOVER', instance_name, target_node, ignore_ipolicy, cleanup };
}

/** Each job waits for the end of the one before. */
function inSequence(jobs: readonly Job[]): Job[] {
  return jobs.map((job, index) =>
    index === 0 ? job : job.map((op) => ({ ...op, depends: [[-1, ['error', 'success']]] })),
  );
}

export const groupEvacuate = operation({
  opcode: GroupEvacuate,
  steps: [],
  locks: (op, configuration): LockRequest[] => {
    const { uuid } = groupNamed(configuration, op.group_name);
    return [
      ...instancesIn(configuration, uuid).map(
        (name): LockRequest => ({ level: 'instance', name, mode: 'shared' }),
      ),
      ...configuration.nodegroups
        .values()
        .map((group): LockRequest => ({ level: 'nodegroup', name: group.uuid, mode: 'shared' })),
      ...configuration.nodes
        .values()
        .map((node): LockRequest => ({ level: 'node', name: node.uuid, mode: 'shared' })),
    ];
  },
  plan: async (op, context): Promise<EvacuatePlan> => {
    const { configuration } = context;
    const group = groupNamed(configuration, op.group_name);
    const targets = targetsOf(op, configuration, group);
    let jobs = await changeGroups(context, {
      iallocator: op.iallocator,
      instances: instancesIn(configuration, group.uuid),
      targets,
      earlyRelease: op.early_release,
      byNode: false,
      what: 'group evacuation',
    });
    context.info(`Iallocator returned ${jobs.length} job(s) for evacuating node group ${op.group_name}`);
    if (op.force_failover) {
      context.info('Will insist on failovers');
      jobs = jobs.map((job) => job.map(asFailover));
    }
    if (op.sequential) {
      context.info('Jobs will be submitted to run sequentially');
      jobs = inSequence(jobs);
    }
    return { group, targets, jobs };
  },
  hooks: (_op, { group, targets }, configuration) => {
    const members = nodesOfGroup(configuration, group.uuid).map(({ uuid }) => uuid);
    const env = { GROUP_NAME: group.name, TARGET_GROUPS: targets.join(' ') };
    return masterHooks('group-evacuate', 'GROUP', configuration, env, members);
  },
  run: async ({ jobs }): Promise<FollowUpJobs> => ({ jobs }),
});
