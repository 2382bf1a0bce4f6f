/** OP_NETWORK_REMOVE: a network that no group is connected to goes. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { niceSort } from '../../kit/nice-sort.ts';
import { networkNamed } from '../../model/lookup.ts';
import { NetworkRemove } from '../../opcodes/network.ts';
import { masterHooks } from '../hooks-environment.ts';
import { operation } from '../operation.ts';
import { dropObject } from '../steps/objects.ts';
import { connectedGroups } from './conflicts.ts';

export const networkRemove = operation({
  opcode: NetworkRemove,
  steps: [dropObject],
  locks: (op, configuration) => [
    { level: 'nodegroup', name: 'all', mode: 'shared' },
    { level: 'network', name: networkNamed(configuration, op.network_name).uuid, mode: 'exclusive' },
  ],
  plan: async (op, context) => {
    const network = networkNamed(context.configuration, op.network_name);
    const groups = connectedGroups(context.configuration, network).map(({ name }) => name);
    if (groups.length > 0) {
      context.warn(
        `Network '${op.network_name}' is connected to the following node groups: ${niceSort(groups).join(', ')}`,
      );
      throw prerequisiteFailure('Network still connected', ErrorCode.state);
    }
    return network;
  },
  hooks: (op, _plan, configuration) =>
    masterHooks('network-remove', 'NETWORK', configuration, { NETWORK_NAME: op.network_name }),
  run: async (network, job) => {
    const { name } = network;
    await job.do(dropObject, { table: 'networks', label: `network ${name}`, object: network as never });
    await job.keep();
    return null;
  },
});
