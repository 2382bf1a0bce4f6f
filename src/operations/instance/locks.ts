/** The locks of an operation on one instance: the instance whole, its nodes shared. */

import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { instanceNamed, nodesOf } from '../../model/lookup.ts';

/**
 * Nodes are held shared, so that none of them leaves or goes offline meanwhile, and operations on
 * different instances run side by side. An instance that is only reserved has nothing to work on, so most
 * operations refuse it.
 */
export function instanceLocks(
  configuration: Configuration,
  name: string,
  furtherNodes: readonly string[] = [],
  options: { readonly allowForthcoming?: boolean } = {},
): LockRequest[] {
  const instance = instanceNamed(configuration, name);
  if (instance.forthcoming && !options.allowForthcoming) {
    throw prerequisiteFailure('forthcoming instances not supported for this operation', ErrorCode.state);
  }
  const nodes = [...new Set([...nodesOf(configuration, instance), ...furtherNodes])];
  return [
    { level: 'instance', name: instance.name, mode: 'exclusive' },
    ...nodes.map((uuid): LockRequest => ({ level: 'node', name: uuid, mode: 'shared' })),
    ...nodes.map((uuid): LockRequest => ({ level: 'node-res', name: uuid, mode: 'shared' })),
  ];
}
