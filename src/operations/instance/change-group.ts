/** OP_INSTANCE_CHANGE_GROUP: an instance moves to another node group, by the jobs that an allocator proposes. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { groupNamed, instanceNamed } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { InstanceChangeGroup } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { changeGroups, groupsOfInstance } from '../evacuation.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { type FollowUpJobs, operation } from '../operation.ts';
import { candidateLocks } from './choose-nodes.ts';
import { instanceLocks } from './locks.ts';

type Op = OpcodeOf<typeof InstanceChangeGroup>;

interface ChangeGroupPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly targets: readonly string[];
  readonly jobs: FollowUpJobs['jobs'];
}

/** The groups that may receive it: those named, or all that it isn't in. */
function targetsOf(op: Op, configuration: Configuration, instance: Instance): string[] {
  const own = groupsOfInstance(configuration, instance);
  const named = op.target_groups?.map((name) => groupNamed(configuration, name).uuid) ?? [];
  const targets =
    named.length > 0
      ? [...new Set(named)]
      : configuration.nodegroups
          .values()
          .map((group) => group.uuid)
          .filter((uuid) => !own.has(uuid));
  const conflicting = targets.filter((uuid) => own.has(uuid));
  if (conflicting.length > 0) {
    throw prerequisiteFailure(
      `Can't use group(s) '${conflicting.join(', ')}' as targets, they are used by the instance '${instance.name}'`,
      ErrorCode.invalid,
    );
  }
  if (targets.length === 0)
    throw prerequisiteFailure('There are no possible target groups', ErrorCode.invalid);
  return targets;
}

function locks(op: Op, configuration: Configuration): LockRequest[] {
  const groups = configuration.nodegroups
    .values()
    .map(({ uuid }): LockRequest => ({ level: 'nodegroup', name: uuid, mode: 'shared' }));
  return [...instanceLocks(configuration, op.instance_name), ...groups, ...candidateLocks(configuration)];
}

export const instanceChangeGroup = operation({
  opcode: InstanceChangeGroup,
  steps: [],
  locks,
  plan: async (op, context): Promise<ChangeGroupPlan> => {
    const { configuration } = context;
    const instance = instanceNamed(configuration, op.instance_name);
    const targets = targetsOf(op, configuration, instance);
    const jobs = await changeGroups(context, {
      iallocator: op.iallocator,
      instances: [instance.name],
      targets,
      earlyRelease: op.early_release,
      byNode: false,
      what: `solution for changing group of instance '${instance.name}'`,
    });
    context.info(
      `Iallocator returned ${jobs.length} job(s) for changing group of instance '${instance.name}'`,
    );
    return { configuration, instance, targets, jobs };
  },
  hooks: (_op, { instance, targets }, configuration) =>
    instanceHooks('instance-change-group', configuration, instance, [], {
      TARGET_GROUPS: targets.join(' '),
    }),
  run: async ({ jobs }): Promise<FollowUpJobs> => ({ jobs }),
});
