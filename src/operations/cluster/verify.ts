/** OP_CLUSTER_VERIFY: submits one job that verifies the configuration and one for each group. */

import { compareNicely } from '../../kit/nice-sort.ts';
import { groupNamed } from '../../model/lookup.ts';
import { ClusterVerify } from '../../opcodes/cluster.ts';
import { type FollowUpJobs, operation } from '../operation.ts';

export const clusterVerify = operation({
  opcode: ClusterVerify,
  steps: [],
  locks: () => [],
  plan: async (op, { configuration }): Promise<FollowUpJobs> => {
    const common = {
      error_codes: op.error_codes,
      debug_simulate_errors: op.debug_simulate_errors,
      ignore_errors: op.ignore_errors,
      verbose: op.verbose,
    };
    const groups =
      op.group_name === null
        ? configuration.nodegroups
            .values()
            .sort((one, other) => compareNicely(one.name, other.name))
            .map(({ uuid }) => uuid)
        : [groupNamed(configuration, op.group_name).name];
    const config = op.group_name === null ? [[{ OP_ID: 'OP_CLUSTER_VERIFY_CONFIG', ...common }]] : [];
    // The groups' jobs wait for the first one, as in Ganeti, so that the report is read in order.
    const depends = op.group_name === null ? (index: number) => [[-1 - index, []]] : () => null;
    return {
      jobs: [
        ...config,
        ...groups.map((group, index) => [
          {
            OP_ID: 'OP_CLUSTER_VERIFY_GROUP',
            group_name: group,
            skip_checks: op.skip_checks,
            verify_clutter: op.verify_clutter,
            depends: depends(index),
            ...common,
          },
        ]),
      ],
    };
  },
  run: async (jobs) => jobs,
});
