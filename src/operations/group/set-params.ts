/** OP_GROUP_SET_PARAMS: parameters, policy and allocation of a group. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { pythonText } from '../../kit/python-text.ts';
import { groupNamed } from '../../model/lookup.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import { GroupSetParams } from '../../opcodes/group.ts';
import { masterHooks } from '../hooks-environment.ts';
import { operation, type PlanContext } from '../operation.ts';
import { requireReachableDisks } from '../settings/disk-parameters.ts';
import { newViolations } from '../settings/instance-policy.ts';
import { fieldChange, setFields } from '../steps/objects.ts';
import { instancesOfGroup } from './members.ts';
import { changedSettings, type GroupSettings } from './settings.ts';

interface SetParamsPlan {
  readonly group: NodeGroup;
  readonly change: GroupSettings;
}

function warnOfViolations(context: PlanContext, group: NodeGroup, { ipolicy }: GroupSettings): void {
  if (ipolicy === undefined) return;
  const { configuration } = context;
  const { cluster } = configuration;
  const violations = newViolations(configuration, instancesOfGroup(configuration, group.uuid), {
    old: fillInstancePolicy(cluster.ipolicy, group.ipolicy),
    new: fillInstancePolicy(cluster.ipolicy, ipolicy),
  });
  if (violations.length > 0) {
    context.warn(`After the ipolicy change the following instances violate them: ${violations.join(', ')}`);
  }
}

export const groupSetParams = operation({
  opcode: GroupSetParams,
  steps: [setFields],
  locks: (op, configuration) => {
    const { uuid } = groupNamed(configuration, op.group_name);
    const instances = instancesOfGroup(configuration, uuid);
    return [
      ...instances.map(({ name }) => ({ level: 'instance', name, mode: 'shared' }) as const),
      { level: 'nodegroup', name: uuid, mode: 'exclusive' },
    ];
  },
  plan: async (op, context): Promise<SetParamsPlan> => {
    const given = [op.ndparams, op.diskparams, op.alloc_policy, op.hv_state, op.disk_state, op.ipolicy];
    if (given.every((value) => value === null))
      throw prerequisiteFailure('Please pass at least one modification', ErrorCode.invalid);
    const { configuration } = context;
    const group = groupNamed(configuration, op.group_name);
    const change = changedSettings(configuration, group, op);
    if (change.diskparams !== undefined)
      requireReachableDisks(configuration, instancesOfGroup(configuration, group.uuid), change.diskparams);
    warnOfViolations(context, group, change);
    return { group, change };
  },
  hooks: (op, _plan, configuration) =>
    masterHooks('group-modify', 'GROUP', configuration, {
      GROUP_NAME: op.group_name,
      NEW_ALLOC_POLICY: pythonText(op.alloc_policy),
    }),
  run: async ({ group, change }, job) => {
    await job.do(setFields, fieldChange('nodegroups', group, change));
    await job.keep();
    const told = (['ndparams', 'diskparams'] as const).filter((name) => change[name] !== undefined);
    return told.map((name) => [name, pythonText(change[name])]);
  },
});
