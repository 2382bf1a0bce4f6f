/**
 * The whole cluster's figures, on the master node: counts that the master daemon gives at once (QueryStatistics), and
 * how well balanced the groups are. For the latter every node is asked what it has, so it is done anew once a minute
 * at most, when somebody wants to know, and by the same code as hbal's.
 */
import { mergeCluster, settleMemory } from '../../htools/core/loading.ts';
import { clusterScore } from '../../htools/core/score/score.ts';
import { type Cluster, splitByGroup, unredundant, wholeOf } from '../../htools/core/terms/cluster.ts';
import { parseLuxi, queryCluster } from '../../htools/load/luxi.ts';
import { luxiAddress } from '../../luxi/address.ts';
import { connectLuxi, type LuxiClient } from '../../luxi/client.ts';
import type { HistogramValue, Metrics } from './exposition.ts';
import type { Source, SourceContext } from './source.ts';

const balanceMs = 60_000;
const mebibyte = 1024 ** 2;
const millisecondsPerSecond = 1000;

/** What is read of QueryStatistics; more may be there. */
export interface MasterStatistics {
  readonly jobs: Readonly<Record<string, number>>;
  readonly drained: boolean;
  readonly locks: { readonly held: number; readonly waiting: number };
  readonly commits: HistogramValue;
  readonly candidates: { readonly behind: number };
  readonly nodes: Readonly<Record<string, number>>;
  readonly instances: Readonly<Record<string, number>>;
}

/** States that are told even when nobody is in them, so that an alert has a series to look at. */
const jobStates = ['queued', 'waiting', 'running', 'success', 'error', 'canceled'];

export function statisticsMetrics(statistics: MasterStatistics, metrics: Metrics): void {
  for (const status of new Set([...jobStates, ...Object.keys(statistics.jobs)]))
    metrics.add('ganeti_jobs', statistics.jobs[status] ?? 0, { status });
  metrics.add('ganeti_job_queue_drained', statistics.drained ? 1 : 0);
  metrics.add('ganeti_locks_held', statistics.locks.held);
  metrics.add('ganeti_lock_waits', statistics.locks.waiting);
  metrics.addHistogram('ganeti_commit_seconds', statistics.commits);
  metrics.add('ganeti_candidates_behind', statistics.candidates.behind);
  for (const role of ['master', 'candidate', 'regular', 'drained', 'offline'])
    metrics.add('ganeti_cluster_nodes', statistics.nodes[role] ?? 0, { role });
  for (const state of ['up', 'down', 'offline'])
    metrics.add('ganeti_cluster_instances', statistics.instances[state] ?? 0, { state });
}

/** Groups with a node that isn't offline. */
export function balanceMetrics(cluster: Cluster, metrics: Metrics): void {
  for (const { group, part } of splitByGroup(wholeOf(cluster))) {
    const { nodes } = part;
    const online = part.list.filter((node) => nodes.offline[node] === 0);
    if (online.length === 0) continue;
    const labels = { group: cluster.groups.get(group)?.name ?? String(group) };
    const spare = online.map((node) => nodes.freeMemory[node]! - nodes.reservedMemory[node]!);
    metrics.add('ganeti_group_score', clusterScore(nodes, part.list), labels);
    metrics.add('ganeti_group_n1_failing_nodes', unredundant(part).nodes.length, labels);
    metrics.add('ganeti_group_n1_headroom_bytes', Math.min(...spare) * mebibyte, labels);
  }
}

async function loadCluster(client: LuxiClient, nowMs: number): Promise<Cluster> {
  const cluster = mergeCluster(parseLuxi(await queryCluster(client)), { now: nowMs / millisecondsPerSecond });
  settleMemory(cluster, 0);
  return cluster;
}

async function withMaster(
  context: SourceContext,
  work: (client: LuxiClient) => Promise<void>,
): Promise<void> {
  const client = await connectLuxi(luxiAddress(context.paths));
  try {
    await work(client);
  } finally {
    client.close();
  }
}

const statisticsSource: Source = {
  name: 'master',
  read: (context, metrics) =>
    withMaster(context, async (client) => {
      statisticsMetrics((await client.call('QueryStatistics', [])) as MasterStatistics, metrics);
    }),
};

function balanceSource(): Source {
  let known: { readonly at: number; readonly cluster: Cluster } | undefined;
  return {
    name: 'balance',
    read: (context, metrics) =>
      withMaster(context, async (client) => {
        const now = context.world.now();
        if (known === undefined || now - known.at > balanceMs)
          known = { at: now, cluster: await loadCluster(client, now) };
        balanceMetrics(known.cluster, metrics);
      }),
  };
}

/** Made once: figures that cost much are remembered. */
export const createMasterSources = (): readonly Source[] => [statisticsSource, balanceSource()];
