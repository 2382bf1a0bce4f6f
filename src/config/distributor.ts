/**
 * Keeps the other nodes in step with the store: the journal and config.data on master candidates, the
 * ssconf files on every node.
 */
import type { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import type { OpenStore } from './open.ts';
import { type CandidateState, Replication } from './replication.ts';
import { SsconfDistribution } from './ssconf-distribution.ts';

export interface DistributorOptions {
  readonly store: OpenStore;
  readonly nodes: NodeCaller;
  readonly log: Log;
  /** A newer master exists. The store refuses everything already; the daemon should end. */
  readonly superseded: (reason: Failure) => void;
  /** Milliseconds that a commit waits for candidates in step; 2 s. */
  readonly deadlineMs?: number;
  /** Milliseconds of the first and the longest pause after a failure of a node; 1 s and 60 s. */
  readonly pauseMs?: readonly [number, number];
  /** Milliseconds after a commit before ssconf files are sent; 200. */
  readonly gatherMs?: number;
}

export interface Distributor {
  /**
   * Brings every node up to date now: config.data here and on candidates, ssconf everywhere.
   * @param again also what nodes are believed to have (`gnt-cluster redist-conf`)
   * @returns nodes, by uuid, that could not be reached, with the reason
   */
  settle(again?: boolean): Promise<ReadonlyMap<string, string>>;
  /**
   * Resolves when the master's own ssconf files name the nodes of the configuration; when its node daemon
   * doesn't take them that is logged, and they follow as soon as it does.
   */
  nodesNamedHere(): Promise<void>;
  candidates(): readonly CandidateState[];
  close(): Promise<void>;
}

/** Candidates that need the whole configuration get it once the store has the job queue's keeper. */
export function startDistributor(options: DistributorOptions): Distributor {
  const { store, nodes, log } = options;
  const timing = options.pauseMs === undefined ? {} : { pauseMs: options.pauseMs };
  const replication = new Replication({
    nodes,
    engine: store.engine,
    snapshot: () => store.snapshot(),
    files: (since) => store.files(since),
    log,
    superseded(reason) {
      log.error(`No longer master: ${reason.message}`);
      store.stop(reason);
      options.superseded(reason);
    },
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    ...timing,
  });
  const ssconf = new SsconfDistribution(
    { nodes, log, ...(options.gatherMs === undefined ? {} : { gatherMs: options.gatherMs }), ...timing },
    store.current,
  );
  store.replicateBy(replication);
  store.onCommit((configuration, changes) => {
    replication.follow(configuration);
    ssconf.committed(configuration, changes);
  });
  store.onFolded(() => void replication.refresh());
  replication.follow(store.current);

  return {
    async settle(again = false) {
      replication.retry();
      await store.flush();
      if (again) ssconf.again();
      await Promise.all([replication.refresh(), ssconf.settle()]);
      const behind = replication
        .states()
        .flatMap(({ node, fault }) => (fault === undefined ? [] : [[node, fault] as const]));
      return new Map([...behind, ...ssconf.faults()]);
    },
    nodesNamedHere: () => ssconf.reached(store.current.cluster.master_node),
    candidates: () => replication.states(),
    async close() {
      ssconf.close();
      await replication.close();
    },
  };
}
