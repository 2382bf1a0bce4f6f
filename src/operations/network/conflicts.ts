/** Which groups a network is connected to, and instances whose addresses stand against a change of that. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Network } from '../../model/objects/network.ts';
import type { Nic } from '../../model/objects/nic.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { instancesOfGroup } from '../group/members.ts';
import type { PlanContext } from '../operation.ts';

export function connectedGroups({ nodegroups }: Configuration, network: Network): NodeGroup[] {
  return nodegroups.filter((group) => group.networks[network.uuid] !== undefined);
}

/**
 * @param change "connect to" or "disconnect from", for the warning
 * @throws Failure OpPrereqError wrong_state when an interface in the group conflicts; each is warned of before
 */
export function requireNoConflicts(
  context: PlanContext,
  network: Network,
  group: NodeGroup,
  change: 'connect to' | 'disconnect from',
  conflicts: (nic: Nic) => boolean,
): void {
  const found = instancesOfGroup(context.configuration, group.uuid).flatMap(({ name, nics }) => {
    const places = nics.flatMap((nic, index) => (conflicts(nic) ? [`nic${index}/${nic.ip ?? 'None'}`] : []));
    return places.length === 0 ? [] : [`${name}: ${places.join(', ')}`];
  });
  if (found.length === 0) return;
  context.warn(
    `IP addresses from network '${network.name}', which is about to ${change} node group '${group.name}', are in use: ${found.join(', ')}`,
  );
  throw prerequisiteFailure(
    'Conflicting IP addresses found;  remove/modify the corresponding network interfaces',
    ErrorCode.state,
  );
}
