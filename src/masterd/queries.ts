/** Queries as the master answers them: the language and fields of `queries`, over the master's own parts. */
import type { ConfigStore } from '../config/contract.ts';
import type { Job } from '../jobs/job.ts';
import { priorityOf, statusOf } from '../jobs/job.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { Paths } from '../kit/paths.ts';
import type { LockManager } from '../locks/manager.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { instanceOnNode } from '../operations/on-node.ts';
import { wireCell } from '../queries/cell.ts';
import type { JobRecord, QueryContext } from '../queries/context.ts';
import { jobs as jobResource } from '../queries/fields/job.ts';
import { relationsOf } from '../queries/relations.ts';
import { classicQuery, queryFields, runQuery } from '../queries/run.ts';
import { readWatcherPause } from './watcher-pause.ts';

export interface QueryParts {
  readonly config: ConfigStore;
  readonly nodes: NodeCaller;
  readonly queue: () => JobQueue;
  readonly locks: LockManager;
  readonly paths: Paths;
}

export interface MasterQueries {
  /** Everything that a query may read. */
  context(): Promise<QueryContext>;
  query(what: string, fields: readonly string[], filter: unknown): Promise<unknown>;
  fields(what: string, names: readonly string[]): unknown;
  /** The older calls: bare values by names. */
  classic(what: string, names: readonly string[], fields: readonly string[]): Promise<unknown>;
  /** Null for a job that isn't there. */
  jobs(ids: readonly number[], fields: readonly string[]): Promise<unknown>;
  /** Node name to exports, or false where the node can't say. */
  exports(nodes: readonly string[]): Promise<unknown>;
  /** Reads fields of a job that is at hand. */
  jobReader(fields: readonly string[]): (job: Job) => unknown[];
}

export function createQueries({ config, nodes, queue, locks, paths }: QueryParts): MasterQueries {
  const jobs = {
    ids: async (withArchived: boolean) => [
      ...queue().jobs.keys(),
      ...(withArchived ? await queue().archivedIds() : []),
    ],
    find: (id: number) =>
      queue().find(id) as Promise<{ readonly job: JobRecord; readonly archived: boolean } | undefined>,
    statusOf: (job: JobRecord) => statusOf(job as unknown as Job),
    priorityOf: (job: JobRecord) => priorityOf(job as unknown as Job),
  };
  const context = async (): Promise<QueryContext> => ({
    configuration: config.current,
    nodes,
    jobs,
    locks,
    state: { queueDrained: queue().isDrained, watcherPausedUntil: await readWatcherPause(paths) },
    instanceOnNode: (instance, node) => instanceOnNode(config.current, instance, node),
  });
  return {
    context,
    query: async (what, fields, filter) => await runQuery(what, fields, filter, await context()),
    fields: (what, names) => queryFields(what, names),
    classic: async (what, names, fields) => await classicQuery(what, names, fields, await context()),
    jobs: async (ids, fields) => {
      const rows = await classicQuery('job', ids, ['id', ...fields], await context());
      if (ids.length === 0) return rows.map((row) => row.slice(1));
      const byId = new Map(rows.map((row) => [Number(row[0]), row.slice(1)]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    exports: async (names) => {
      const filter = names.length === 0 ? null : ['|', ...names.map((name) => ['=', 'node', name])];
      const { data } = await runQuery('export', ['node', 'export'], filter, await context());
      const found: Record<string, string[] | false> = {};
      for (const row of data) {
        const [[, node], [status, name]] = row as unknown as [[number, string], [number, string | null]];
        if (status !== 0) found[node] = found[node] ?? false;
        else found[node] = [...(found[node] || []), ...(name === null ? [] : [name])];
      }
      return found;
    },
    jobReader: (names) => {
      const fields = names.map((name) => jobResource.fields.find((field) => field.name === name));
      return (job) => {
        const view = {
          configuration: config.current,
          context: { configuration: config.current, nodes, jobs, locks },
          relations: relationsOf(config.current),
        };
        const live = { job: job as unknown as JobRecord, archived: false };
        return fields.map((field) =>
          field === undefined
            ? null
            : wireCell(
                field.live === undefined ? field.read(job.id, view) : field.read(job.id, view, live),
              )[1],
        );
      };
    },
  };
}
