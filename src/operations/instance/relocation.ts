/** What failover and migration have in common: where an instance may go, and the checks of its disks. */
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, instanceNamed, nodeNamed, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { blockdevStatus } from '../../noderpc/calls/disk.ts';
import { emptyTemplate, storageAbout } from '../../storage/catalog.ts';
import { allocatorOrNode } from '../allocate.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import type { PlanContext } from '../operation.ts';
import type { Move } from '../steps/migration.ts';
import { candidateLocks, chooseTarget } from './choose-nodes.ts';
import { instanceLocks } from './locks.ts';
import { requireNodePolicy } from './policy.ts';

export interface TargetRequest {
  readonly targetNode: string | null;
  readonly iallocator: string | null;
  readonly ignoreIpolicy: boolean;
}

/** The mirroring of an instance's disks: by the driver between two nodes, by the storage itself, or none. */
export function mirroringOf(
  configuration: Configuration,
  instance: Instance,
): 'no' | 'internal' | 'external' {
  const [first] = disksOf(configuration, instance);
  return first === undefined ? storageAbout(emptyTemplate).mirrored : storageAbout(first.dev_type).mirrored;
}

export function templateOf(configuration: Configuration, instance: Instance): string {
  return disksOf(configuration, instance)[0]?.dev_type ?? emptyTemplate;
}

/** Locks of a move: the target's too, or every node's when an allocator is going to choose it. */
export function relocationLocks(
  configuration: Configuration,
  op: { readonly instance_name: string; readonly target_node: string | null },
  options: { readonly allowForthcoming?: boolean } = {},
): LockRequest[] {
  const instance = instanceNamed(configuration, op.instance_name);
  const target = op.target_node === null ? [] : [nodeNamed(configuration, op.target_node).uuid];
  const isOpen = op.target_node === null && mirroringOf(configuration, instance) === 'external';
  return [
    ...instanceLocks(configuration, op.instance_name, target, options),
    ...(isOpen ? candidateLocks(configuration) : []),
  ];
}

/**
 * The node that the instance goes to.
 * @param what "failovers" or "migrations", for the words when the disks don't allow it
 * @throws Failure OpPrereqError
 */
export async function targetOf(
  context: PlanContext,
  instance: Instance,
  request: TargetRequest,
  what: string,
): Promise<Node> {
  const { configuration } = context;
  const mirroring = mirroringOf(configuration, instance);
  if (mirroring === 'no') {
    throw prerequisiteFailure(
      `Instance's disk layout '${templateOf(configuration, instance)}' does not allow ${what}`,
      ErrorCode.state,
    );
  }
  if (mirroring === 'internal') {
    const [secondary] = secondariesOf(configuration, instance);
    if (secondary === undefined) {
      throw prerequisiteFailure(
        `No secondary node but using ${templateOf(configuration, instance)} disk template`,
        ErrorCode.state,
      );
    }
    const node = configuration.nodes.get(secondary)!;
    if (
      request.iallocator !== null ||
      (request.targetNode !== null && nodeNamed(configuration, request.targetNode).uuid !== secondary)
    ) {
      throw prerequisiteFailure(
        `Instances with disk template ${templateOf(configuration, instance)} cannot be ${what === 'failovers' ? 'failed over' : 'migrated'} to arbitrary nodes (neither an iallocator nor a target node can be passed)`,
        ErrorCode.invalid,
      );
    }
    return node;
  }
  const iallocator = allocatorOrNode(configuration, request.iallocator, request.targetNode);
  const node =
    iallocator === undefined
      ? nodeNamed(configuration, request.targetNode!)
      : await chooseTarget(context, iallocator, instance);
  requireNodePolicy(context, instance, node, request.ignoreIpolicy);
  if (node.uuid === instance.primary_node) {
    throw prerequisiteFailure(
      `Cannot migrate instance ${instance.name} to its primary (${node.name})`,
      ErrorCode.state,
    );
  }
  return node;
}

/**
 * Every mirrored disk is whole on the target, and in touch with the source: both will write to it.
 * @throws Failure OpExecError
 */
export async function requireConsistentDisks(
  context: PlanContext,
  instance: Instance,
  source: Node,
  target: Node,
): Promise<void> {
  const { configuration, nodes } = context;
  if (mirroringOf(configuration, instance) !== 'internal') return;
  const [onSource, onTarget] = await Promise.all(
    [source, target].map(({ uuid }) =>
      nodes.call(uuid, blockdevStatus, { disks: disksOnNode(configuration, instance, uuid) }),
    ),
  );
  onTarget!.forEach((status, index) => {
    if (status !== null && !status.degraded && onSource![index]?.degraded === false) return;
    const trouble = onSource![index]?.details.trouble ?? status?.details.trouble;
    const reason = typeof trouble === 'string' ? `: ${trouble}` : '';
    throw executionFailure(
      `Disk ${index} is degraded or not fully synchronized on target node, aborting migration${reason}`,
    );
  });
}

/** Both ends of a move of the instance. */
export function moveOf(
  configuration: Configuration,
  instance: Instance,
  source: Node,
  target: Node,
  live: boolean,
): Move {
  return {
    uuid: instance.uuid,
    name: instance.name,
    source: source.uuid,
    target: target.uuid,
    onSource: instanceOnNode(configuration, instance, source.uuid),
    onTarget: instanceOnNode(configuration, { ...instance, primary_node: target.uuid }, target.uuid),
    sourceDisks: disksOnNode(configuration, instance, source.uuid),
    targetDisks: disksOnNode(configuration, instance, target.uuid),
    internal: mirroringOf(configuration, instance) === 'internal',
    targetAddress: target.secondary_ip,
    live,
  };
}
