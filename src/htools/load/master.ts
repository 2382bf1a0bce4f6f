/** The master node and the cluster's hypervisor, which sources tell apart from the nodes. */
import type { NodeFields } from '../core/state/node-table.ts';
import { DataError } from './data-error.ts';

export function markMaster(nodes: readonly NodeFields[], master: string, hypervisor: string): NodeFields[] {
  if (!nodes.some(({ name }) => name === master)) throw new DataError(`Master node ${master} unknown`);
  return nodes.map((node) => ({ ...node, hypervisor, isMaster: node.name === master }));
}
