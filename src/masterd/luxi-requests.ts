/** Answers LUXI requests out of the master's parts: translates, decides nothing. */

import { rm } from 'node:fs/promises';
import type { ConfigStore } from '../config/contract.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { assertNever, ErrorCode, Failure, prerequisiteFailure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { decodeRequest, type LuxiRequest } from '../luxi/methods.ts';
import type { LuxiPeer } from '../luxi/server.ts';
import { groupNamed, instanceNamed, networkNamed, nodeNamed } from '../model/lookup.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { setWatcherPause } from '../noderpc/calls/node.ts';
import type { AnyOpcode } from '../opcodes/opcode.ts';
import { clusterInformation } from '../operations/cluster/information.ts';
import { refuseLocking } from '../queries/run.ts';
import type { EventLog } from './events.ts';
import { replaceRule } from './filter-rules.ts';
import type { MasterQueries } from './queries.ts';
import type { Statistics } from './statistics.ts';

export interface RequestParts {
  readonly config: ConfigStore;
  readonly queue: JobQueue;
  readonly queries: MasterQueries;
  readonly events: EventLog;
  readonly statistics: () => Statistics;
  readonly paths: Paths;
  readonly nodes: NodeCaller;
  readonly log: Log;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

type Handler<M extends LuxiRequest['method']> = (
  request: Extract<LuxiRequest, { method: M }>,
  parts: RequestParts,
  peer: LuxiPeer,
) => Promise<unknown>;

const asOpcodes = (ops: readonly Readonly<Record<string, unknown>>[]) =>
  ops as unknown as readonly AnyOpcode[];

/** Fields of QueryConfigValues that the cluster query doesn't have: settings as they are. */
const plainSettings = ['modify_ssh_setup', 'ssh_key_type', 'ssh_key_bits'] as const;
type PlainSetting = (typeof plainSettings)[number];
const isPlain = (field: string): field is PlainSetting =>
  (plainSettings as readonly string[]).includes(field);

/** Values of the cluster by field (LUXI QueryConfigValues). */
async function configValues(
  { fields }: { readonly fields: readonly string[] },
  { config, queries }: RequestParts,
): Promise<unknown[]> {
  const queried = fields.filter((field) => !isPlain(field));
  const [row = []] =
    queried.length === 0 ? [] : ((await queries.classic('cluster', [], queried)) as unknown[][]);
  const { cluster } = config.current;
  return fields.map((field) => (isPlain(field) ? cluster[field] : row[queried.indexOf(field)]));
}

/** Ganeti's daemon for queries has words of its own for a name that it can't find (Config.hs, getItem). */
function tagged<T>(noun: string, name: string, find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw prerequisiteFailure(`${noun} name ${name} not found`, ErrorCode.unknown);
  }
}

function tagsOf(
  { kind, name }: { readonly kind: string; readonly name: string },
  { config }: RequestParts,
): readonly string[] {
  const { current } = config;
  switch (kind) {
    case 'cluster':
      return current.cluster.tags;
    case 'node':
      return tagged('Node', name, () => nodeNamed(current, name)).tags;
    case 'instance':
      return tagged('Instance', name, () => instanceNamed(current, name)).tags;
    case 'nodegroup':
      return tagged('NodeGroup', name, () => groupNamed(current, name)).tags;
    case 'network':
      return tagged('Network', name, () => networkNamed(current, name)).tags;
    default:
      throw prerequisiteFailure(`Invalid tag type '${kind}'`, ErrorCode.invalid);
  }
}

async function classic(
  what: string,
  request: { readonly names: readonly string[]; readonly fields: readonly string[]; readonly lock: boolean },
  { queries }: RequestParts,
): Promise<unknown> {
  refuseLocking(request.lock);
  return await queries.classic(what, request.names, request.fields);
}

async function waitForChange(
  request: Extract<LuxiRequest, { method: 'WaitForJobChange' }>,
  { queue, queries }: RequestParts,
  peer: LuxiPeer,
): Promise<unknown> {
  const change = await queue.waitForJobChange(request.job, {
    read: queries.jobReader(request.fields),
    previousFields: request.prev_job,
    previousSerial: typeof request.prev_log === 'number' ? request.prev_log : null,
    timeout: request.tmout,
    signal: peer.gone,
  });
  if (change === undefined) throw new Failure('JobLost', ["Can't load job file"]);
  return change === 'nochange' ? 'nochange' : [change.fields, change.log];
}

/** Each node has a watcher of its own; one that can't be told is in the log, and the others rest all the same. */
async function tellWatchers({ config, nodes, log }: RequestParts, until: number | null): Promise<void> {
  const { current } = config;
  const others = current.nodes.filter(
    ({ uuid, offline }) => !offline && uuid !== current.cluster.master_node,
  );
  const replies = await nodes.callAll(
    others.map(({ uuid }) => uuid),
    setWatcherPause,
    { until },
  );
  for (const { uuid, name } of others) {
    const reply = replies.get(uuid);
    if (reply?.kind !== 'answered')
      log.warning(
        `The watcher of node ${name} was not told of the pause: ${reply !== undefined && 'message' in reply ? reply.message : 'no answer'}`,
      );
  }
}

const handlers: { readonly [M in LuxiRequest['method']]: Handler<M> } = {
  Query: ({ what, fields, qfilter }, { queries }) => queries.query(what, fields, qfilter),
  QueryFields: async ({ what, fields }, { queries }) => queries.fields(what, fields),
  QueryNodes: (request, parts) => classic('node', request, parts),
  QueryGroups: (request, parts) => classic('group', request, parts),
  QueryNetworks: (request, parts) => classic('network', request, parts),
  QueryInstances: (request, parts) => classic('instance', request, parts),
  QueryFilters: ({ uuids, fields }, { queries }) => queries.classic('filter', uuids, fields),
  QueryJobs: ({ ids, fields }, { queries }) => queries.jobs(ids, fields),
  QueryExports: async ({ nodes, lock }, { queries }) => {
    refuseLocking(lock);
    return await queries.exports(nodes);
  },
  QueryConfigValues: configValues,
  QueryClusterInfo: async (_request, { config }) => clusterInformation(config.current),
  QueryStatistics: async (_request, { statistics }) => statistics(),
  QueryTags: async (request, parts) => tagsOf(request, parts),
  ReplaceFilter: async (request, { config, queue, now }) => {
    const uuid = await replaceRule(config, request, queue.serial, now());
    queue.reschedule();
    return uuid;
  },
  DeleteFilter: async ({ uuid }, { config, queue }) => {
    if (!config.current.filters.has(uuid))
      throw new Failure('GenericError', [`Filter rule with UUID ${uuid} does not exist`]);
    await config.change('filter rule removed', (draft) => draft.remove('filters', uuid));
    queue.reschedule();
    return null;
  },
  SubmitJob: ({ job }, { queue }) => queue.submit(asOpcodes(job)),
  SubmitJobToDrainedQueue: ({ job }, { queue }) => queue.submit(asOpcodes(job), { evenDrained: true }),
  SubmitManyJobs: ({ ops }, { queue }) => queue.submitMany(ops.map(asOpcodes)),
  WaitForJobChange: waitForChange,
  PickupJob: async ({ job }, { queue }) => {
    await queue.pickUp(job);
    return true;
  },
  ArchiveJob: ({ job }, { queue }) => queue.archive(job),
  AutoArchiveJobs: ({ age, tmout }, { queue }) => queue.autoArchive(age, tmout),
  CancelJob: ({ job, kill }, { queue }) => queue.cancel(job, kill),
  ChangeJobPriority: ({ job, priority }, { queue }) => queue.changePriority(job, priority),
  SetDrainFlag: async ({ flag }, { queue }) => {
    await queue.setDrained(flag);
    return true;
  },
  WaitForEvents: ({ stream, after, tmout }, { events }, peer) =>
    events.since(stream, after, tmout, peer.gone),
  SetWatcherPause: async ({ duration }, parts) => {
    const { paths, now } = parts;
    if (duration !== null && duration < now())
      throw new Failure('GenericError', ['Unable to set pause end time in the past']);
    if (duration === null) await rm(paths.watcherPause, { force: true });
    else await writeFileAtomic(paths.watcherPause, `${duration}\n`, { mode: 0o644 });
    await tellWatchers(parts, duration);
    return duration;
  },
};

/** What `serveLuxi` calls for each request. */
export function createRequestHandler(
  parts: RequestParts,
): (method: string, args: readonly unknown[], peer: LuxiPeer) => Promise<unknown> {
  return async (method, args, peer) => {
    const request = decodeRequest(method, args);
    // Each handler gets exactly the request of its own method; the table's type says so, the index can't.
    const handler = handlers[request.method] as Handler<LuxiRequest['method']> | undefined;
    if (handler === undefined) return assertNever(request as never);
    return await handler(request as never, parts, peer);
  };
}
