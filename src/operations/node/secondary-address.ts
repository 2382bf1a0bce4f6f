/** What must hold before a node gets another secondary address. */
import { isIP } from 'node:net';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, masterNode, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { nodeHasIpAddress } from '../../noderpc/calls/node.ts';
import { nodeVerify } from '../../noderpc/calls/verify.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { runningOn } from '../checks.ts';
import type { PlanContext } from '../operation.ts';

/** Instances whose disks are copied over the address. */
export function mirroredInstances(configuration: Configuration, node: Node): Instance[] {
  return configuration.instances.filter(
    (instance) =>
      nodesOf(configuration, instance).includes(node.uuid) &&
      disksOf(configuration, instance).some(({ dev_type }) => storageAbout(dev_type).mirrored === 'internal'),
  );
}

/** A cluster has a second network or it hasn't; only its master may begin to be different, by force. */
function requireSameHoming(context: PlanContext, node: Node, address: string, force: boolean): void {
  const master = masterNode(context.configuration);
  const masterIsSingle = master.primary_ip === master.secondary_ip;
  if (masterIsSingle === (address === node.primary_ip)) return;
  if (force && node.uuid === master.uuid) {
    context.warn(
      masterIsSingle
        ? 'Transitioning from single-homed to multi-homed cluster; all nodes will require a secondary IP address'
        : 'Transitioning from multi-homed to single-homed cluster; secondary IP addresses will have to be removed',
    );
    return;
  }
  throw prerequisiteFailure(
    masterIsSingle
      ? 'Changing the secondary ip on a single-homed cluster requires the --force option to be passed, and the target node to be the master'
      : 'Cannot set the secondary IP to be the same as the primary IP on a multi-homed cluster, unless the --force option is passed, and the target node is the master',
    ErrorCode.invalid,
  );
}

async function requireDown({ configuration, nodes }: PlanContext, instance: Instance): Promise<void> {
  if (instance.admin_state !== 'down') {
    throw prerequisiteFailure(
      `Instance '${instance.name}' is marked to be ${instance.admin_state}, cannot change secondary ip`,
      ErrorCode.state,
    );
  }
  const primary = configuration.nodes.get(instance.primary_node);
  if (primary === undefined || primary.offline) return;
  if ((await runningOn(nodes, configuration, instance, primary.uuid)) !== null) {
    throw prerequisiteFailure(
      `Instance ${instance.name} is running, cannot change secondary ip`,
      ErrorCode.state,
    );
  }
}

/** The node has the address, and the master reaches it there. */
async function requireReachable({ configuration, nodes }: PlanContext, node: Node, address: string) {
  if (!(await nodes.call(node.uuid, nodeHasIpAddress, { address }))) {
    throw prerequisiteFailure(
      `Node claims it doesn't have the secondary ip you gave (${address}) - please fix and re-run this command`,
      ErrorCode.environment,
    );
  }
  const master = masterNode(configuration);
  if (master.uuid === node.uuid) return;
  const peers = [{ name: node.name, primary: address, secondary: address }];
  const { unreachablePeers } = await nodes.call(
    master.uuid,
    nodeVerify,
    nodeVerify.argument.parse({ peers }),
  );
  if (unreachablePeers.length > 0) {
    throw prerequisiteFailure(
      'Node secondary ip not reachable by TCP based ping to node daemon port',
      ErrorCode.environment,
    );
  }
}

/** @throws Failure OpPrereqError */
export async function requireSecondaryAddress(
  context: PlanContext,
  node: Node,
  address: string,
  force: boolean,
): Promise<void> {
  if (isIP(address) !== 4) {
    throw prerequisiteFailure(
      `Secondary IP (${address}) needs to be a valid IPv4 address`,
      ErrorCode.invalid,
    );
  }
  requireSameHoming(context, node, address, force);
  const affected = mirroredInstances(context.configuration, node);
  if (node.offline) {
    if (affected.length === 0) return;
    const names = affected.map(({ name }) => name).join(', ');
    throw prerequisiteFailure(
      `Cannot change secondary IP address: offline node has instances (${names}) configured to use it`,
      ErrorCode.state,
    );
  }
  for (const instance of affected) await requireDown(context, instance);
  await requireReachable(context, node, address);
}
