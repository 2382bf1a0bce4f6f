/** OP_CLUSTER_VERIFY_DISKS: submits one job a group that verifies its disks. */
import { compareNicely } from '../../kit/nice-sort.ts';
import { groupNamed } from '../../model/lookup.ts';
import { ClusterVerifyDisks } from '../../opcodes/cluster.ts';
import { type FollowUpJobs, operation } from '../operation.ts';

export const clusterVerifyDisks = operation({
  opcode: ClusterVerifyDisks,
  steps: [],
  locks: (op, configuration) => [
    {
      level: 'nodegroup',
      name: op.group_name === null ? 'all' : groupNamed(configuration, op.group_name).uuid,
      mode: 'shared',
    },
  ],
  plan: async (op, { configuration }): Promise<FollowUpJobs> => {
    const groups =
      op.group_name === null
        ? configuration.nodegroups.values().sort((a, b) => compareNicely(a.name, b.name))
        : [groupNamed(configuration, op.group_name)];
    return {
      jobs: groups.map(({ name }) => [
        { OP_ID: 'OP_GROUP_VERIFY_DISKS', group_name: name, is_strict: op.is_strict },
      ]),
    };
  },
  run: async (jobs) => jobs,
});
