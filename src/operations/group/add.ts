/** OP_GROUP_ADD: a new, empty group; the network of instance communication reaches it by a further job. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { NodeGroup } from '../../model/objects/node-group.ts';
import { GroupAdd } from '../../opcodes/group.ts';
import { connectCommunication } from '../cluster/modify/communication.ts';
import { masterHooks } from '../hooks-environment.ts';
import { type FollowUpJobs, operation } from '../operation.ts';
import { addObject } from '../steps/objects.ts';
import { changedSettings } from './settings.ts';

interface AddPlan {
  readonly group: NodeGroup;
  /** Network that every group is connected to, when there is one. */
  readonly communication: string | null;
}

export const groupAdd = operation({
  opcode: GroupAdd,
  steps: [addObject],
  locks: () => [],
  plan: async (op, { configuration, reservations, owner, now }): Promise<AddPlan> => {
    const { nodegroups, networks, cluster } = configuration;
    const same = nodegroups.byName(op.group_name) ?? nodegroups.get(op.group_name);
    if (same !== undefined) {
      throw prerequisiteFailure(
        `Desired group name '${op.group_name}' already exists as a node group (UUID: ${same.uuid})`,
        ErrorCode.exists,
      );
    }
    const time = now();
    const group = NodeGroup.parse({
      uuid: reservations.generateUuid(owner),
      ctime: time,
      mtime: time,
      name: op.group_name,
      ...changedSettings(configuration, {}, op),
    });
    const network = cluster.instance_communication_network;
    return { group, communication: networks.byName(network) === undefined ? null : network };
  },
  hooks: (op, _plan, configuration) =>
    masterHooks('group-add', 'GROUP', configuration, { GROUP_NAME: op.group_name }),
  run: async ({ group, communication }, job): Promise<null | FollowUpJobs> => {
    await job.do(addObject, { table: 'nodegroups', label: `group ${group.name}`, object: group as never });
    await job.keep();
    if (communication === null) return null;
    return { jobs: [[connectCommunication(group.uuid, communication)]] };
  },
});
