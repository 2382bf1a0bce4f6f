/**
 * What the monitoring daemon tells of the master (LUXI's QueryStatistics, not one of Ganeti's): jobs, locks, how long
 * commits take, the copies on candidates. Counting takes no lock and asks no node.
 */
import type { CandidateState } from '../config/replication.ts';
import { statusOf } from '../jobs/job.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { LockManager } from '../locks/manager.ts';
import type { Configuration } from '../model/configuration.ts';

/** Upper bounds of the commit histogram, seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;
const millisecondsPerSecond = 1000;

/** How long commits took, since this daemon was started. */
export class CommitTimes {
  readonly #counts = new Array<number>(bounds.length).fill(0);
  #count = 0;
  #sum = 0;

  add(milliseconds: number): void {
    const seconds = milliseconds / millisecondsPerSecond;
    this.#count += 1;
    this.#sum += seconds;
    bounds.forEach((bound, index) => {
      if (seconds <= bound) this.#counts[index]! += 1;
    });
  }

  /** Counts are of commits that took no longer than the bound beside them. */
  get histogram() {
    return { bounds: [...bounds], counts: [...this.#counts], count: this.#count, sum: this.#sum };
  }
}

export interface StatisticsParts {
  readonly configuration: () => Configuration;
  readonly queue: () => JobQueue;
  readonly locks: LockManager;
  readonly commits: CommitTimes;
  readonly candidates: () => readonly CandidateState[];
}

function countedBy<T>(things: Iterable<T>, kind: (thing: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const thing of things) counts[kind(thing)] = (counts[kind(thing)] ?? 0) + 1;
  return counts;
}

function nodeRoles({ nodes, cluster }: Configuration): Record<string, number> {
  return countedBy(nodes, (node) => {
    if (node.uuid === cluster.master_node) return 'master';
    if (node.offline) return 'offline';
    if (node.drained) return 'drained';
    return node.master_candidate ? 'candidate' : 'regular';
  });
}

export function readStatistics(parts: StatisticsParts) {
  const configuration = parts.configuration();
  const queue = parts.queue();
  const rows = parts.locks.describe();
  const waiting = new Set(rows.flatMap(({ pending }) => (pending ?? []).flatMap(([, owners]) => owners)));
  return {
    jobs: countedBy(queue.jobs.values(), statusOf),
    drained: queue.isDrained,
    locks: {
      held: rows.filter(({ owner }) => owner !== null && owner.length > 0).length,
      waiting: waiting.size,
    },
    commits: parts.commits.histogram,
    candidates: { behind: parts.candidates().filter(({ inStep }) => !inStep).length },
    nodes: nodeRoles(configuration),
    instances: countedBy(configuration.instances, ({ admin_state }) => admin_state),
  };
}

export type Statistics = ReturnType<typeof readStatistics>;
