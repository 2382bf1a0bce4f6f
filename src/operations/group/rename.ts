/** OP_GROUP_RENAME. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { groupNamed } from '../../model/lookup.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { GroupRename } from '../../opcodes/group.ts';
import { masterHooks } from '../hooks-environment.ts';
import { operation } from '../operation.ts';
import { fieldChange, setFields } from '../steps/objects.ts';
import { nodesOfGroup } from './members.ts';

interface RenamePlan {
  readonly group: NodeGroup;
  readonly newName: string;
}

export const groupRename = operation({
  opcode: GroupRename,
  steps: [setFields],
  locks: (op, configuration) => [
    { level: 'nodegroup', name: groupNamed(configuration, op.group_name).uuid, mode: 'exclusive' },
  ],
  plan: async (op, { configuration }): Promise<RenamePlan> => {
    const group = groupNamed(configuration, op.group_name);
    const { nodegroups } = configuration;
    const same = nodegroups.byName(op.new_name) ?? nodegroups.get(op.new_name);
    if (same !== undefined) {
      throw prerequisiteFailure(
        `Desired new name '${op.new_name}' clashes with existing node group (UUID: ${same.uuid})`,
        ErrorCode.exists,
      );
    }
    return { group, newName: op.new_name };
  },
  hooks: (op, { group }, configuration) =>
    masterHooks(
      'group-rename',
      'GROUP',
      configuration,
      { OLD_NAME: op.group_name, NEW_NAME: op.new_name },
      nodesOfGroup(configuration, group.uuid).map(({ uuid }) => uuid),
    ),
  run: async ({ group, newName }, job) => {
    await job.do(setFields, fieldChange('nodegroups', group, { name: newName }));
    await job.keep();
    return newName;
  },
});
