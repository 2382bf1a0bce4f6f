/** Keeps the other nodes in step; when a newer master is found, this daemon ends. */
import { type Distributor, startDistributor } from '../config/distributor.ts';
import type { OpenStore } from '../config/open.ts';
import type { Log } from '../kit/log.ts';
import type { NodeCaller } from '../noderpc/call.ts';

export interface DistributionParts {
  readonly config: OpenStore;
  readonly nodes: NodeCaller;
  readonly log: Log;
  /** Called once when another node is master now. */
  readonly superseded: () => void;
}

export function startDistribution({ config, nodes, log, superseded }: DistributionParts): Distributor {
  return startDistributor({
    store: config,
    nodes,
    log,
    superseded: (reason) => {
      log.error(`${reason.message}; this master daemon ends`);
      superseded();
    },
  });
}
