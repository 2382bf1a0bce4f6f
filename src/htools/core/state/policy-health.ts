/** Whether a node as it is keeps to its policy. */

import { Refusal } from '../terms/vocabulary.ts';
import type { NodeTable } from './node-table.ts';

export function policyHealth(nodes: NodeTable, node: number): Refusal {
  if (nodes.instanceSpindles[node]! > nodes.highSpindles[node]!) return Refusal.disk;
  const load = nodes.usedCpus[node]! / nodes.totalCpus[node]!;
  return load > nodes.cpuRatio[node]! ? Refusal.cpu : Refusal.none;
}
