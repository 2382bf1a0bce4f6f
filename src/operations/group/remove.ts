/** OP_GROUP_REMOVE: an empty group goes; the last one stays. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { niceSort } from '../../kit/nice-sort.ts';
import { groupNamed } from '../../model/lookup.ts';
import { GroupRemove } from '../../opcodes/group.ts';
import { masterHooks } from '../hooks-environment.ts';
import { operation } from '../operation.ts';
import { dropObject } from '../steps/objects.ts';
import { nodesOfGroup } from './members.ts';

export const groupRemove = operation({
  opcode: GroupRemove,
  steps: [dropObject],
  locks: (op, configuration) => [
    { level: 'nodegroup', name: groupNamed(configuration, op.group_name).uuid, mode: 'exclusive' },
  ],
  plan: async (op, { configuration }) => {
    const group = groupNamed(configuration, op.group_name);
    const nodes = nodesOfGroup(configuration, group.uuid).map(({ uuid }) => uuid);
    if (nodes.length > 0) {
      throw prerequisiteFailure(
        `Group '${op.group_name}' not empty, has the following nodes: ${niceSort(nodes).join(', ')}`,
        ErrorCode.state,
      );
    }
    if (configuration.nodegroups.size === 1) {
      throw prerequisiteFailure(
        `Group '${op.group_name}' is the only group, cannot be removed`,
        ErrorCode.state,
      );
    }
    return group;
  },
  hooks: (op, _plan, configuration) =>
    masterHooks('group-remove', 'GROUP', configuration, { GROUP_NAME: op.group_name }),
  run: async (group, job) => {
    await job.do(dropObject, { table: 'nodegroups', label: `group ${group.name}`, object: group as never });
    await job.keep();
    return null;
  },
});
