/** OP_NETWORK_RENAME. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { networkNamed } from '../../model/lookup.ts';
import type { Network } from '../../model/objects/network.ts';
import { NetworkRename } from '../../opcodes/network.ts';
import { nodesOfGroup } from '../group/members.ts';
import { masterHooks } from '../hooks-environment.ts';
import { operation } from '../operation.ts';
import { fieldChange, setFields } from '../steps/objects.ts';
import { connectedGroups } from './conflicts.ts';

interface RenamePlan {
  readonly network: Network;
  readonly newName: string;
}

export const networkRename = operation({
  opcode: NetworkRename,
  steps: [setFields],
  locks: (op, configuration) => [
    { level: 'network', name: networkNamed(configuration, op.network_name).uuid, mode: 'exclusive' },
  ],
  plan: async (op, { configuration }): Promise<RenamePlan> => {
    const network = networkNamed(configuration, op.network_name);
    const { networks } = configuration;
    const same = networks.byName(op.new_name) ?? networks.get(op.new_name);
    if (same !== undefined) {
      throw prerequisiteFailure(
        `Desired new name '${op.new_name}' clashes with existing network (UUID: ${same.uuid})`,
        ErrorCode.exists,
      );
    }
    return { network, newName: op.new_name };
  },
  hooks: (op, { network }, configuration) =>
    masterHooks(
      'network-rename',
      'NETWORK',
      configuration,
      { OLD_NAME: op.network_name, NEW_NAME: op.new_name },
      connectedGroups(configuration, network).flatMap((group) =>
        nodesOfGroup(configuration, group.uuid).map(({ uuid }) => uuid),
      ),
    ),
  run: async ({ network, newName }, job) => {
    await job.do(setFields, fieldChange('networks', network, { name: newName }));
    await job.keep();
    return newName;
  },
});
