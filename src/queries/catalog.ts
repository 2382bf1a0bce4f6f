/** Everything that can be queried (constants.QR_*), one line each. */
import { Failure } from '../kit/failure.ts';
import { clusters } from './fields/cluster.ts';
import { exportsOnNodes } from './fields/export.ts';
import { storageProviders } from './fields/extstorage.ts';
import { filters } from './fields/filter.ts';
import { groups } from './fields/group.ts';
import { instances } from './fields/instance/resource.ts';
import { jobs } from './fields/job.ts';
import { locks } from './fields/lock.ts';
import { networks } from './fields/network.ts';
import { nodes } from './fields/node.ts';
import { operatingSystems } from './fields/os.ts';
import type { AnyResource } from './resource.ts';

export const resources: readonly AnyResource[] = [
  clusters,
  exportsOnNodes,
  storageProviders,
  filters,
  groups,
  instances,
  jobs,
  locks,
  networks,
  nodes,
  operatingSystems,
];

/** @throws Failure GenericError */
export function resourceNamed(name: string): AnyResource {
  const found = resources.find((resource) => resource.name === name);
  if (found === undefined) throw new Failure('GenericError', [`Query '${name}' not supported`]);
  return found;
}
