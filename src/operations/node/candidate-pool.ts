/** How many master candidates there are and should be; pure. */
import type { Configuration } from '../../model/configuration.ts';
import type { Node } from '../../model/objects/node.ts';

export function mayBeCandidate(node: Node): boolean {
  return node.master_capable && !node.offline && !node.drained;
}

export interface PoolState {
  readonly candidates: number;
  /** As many as the pool wants and the nodes allow. */
  readonly wanted: number;
}

/** Counted without the nodes of `except`. */
export function poolState(configuration: Configuration, except: readonly string[] = []): PoolState {
  const nodes = configuration.nodes.filter((node) => !except.includes(node.uuid));
  const possible = nodes.filter(mayBeCandidate).length;
  return {
    candidates: nodes.filter((node) => node.master_candidate).length,
    wanted: Math.min(possible, configuration.cluster.candidate_pool_size),
  };
}

/** Would a further capable node be a candidate? (ConfigWriter.GetMasterCandidateStats with one more) */
export function hasRoom(configuration: Configuration, except: readonly string[] = []): boolean {
  const { candidates, wanted } = poolState(configuration, except);
  return candidates < Math.min(wanted + 1, configuration.cluster.candidate_pool_size);
}
