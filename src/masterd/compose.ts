/**
 * Puts the master together, in the order in which its parts need each other. Jobs that a crash or a kill
 * interrupted are unwound before the first job starts; queries are answered from then on.
 */
import { mkdir } from 'node:fs/promises';
import { startDistributor } from '../config/distributor.ts';
import type { OpenStore } from '../config/open.ts';
import { openStore } from '../config/open.ts';
import { JobFiles, type LoadedQueue } from '../jobs/files.ts';
import { createKeeper } from '../jobs/keeper.ts';
import { StepLedger } from '../jobs/ledger.ts';
import { JobQueue } from '../jobs/queue.ts';
import { foldJobs, isJobEntry, recoverQueue } from '../jobs/recover.ts';
import { secretNamesOf } from '../jobs/redaction.ts';
import { StrandedSteps } from '../jobs/stranded.ts';
import { now, withDeadline } from '../kit/clock.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { isOwnName } from '../kit/resolve.ts';
import { LockManager } from '../locks/manager.ts';
import { luxiAddress } from '../luxi/address.ts';
import { serveLuxi } from '../luxi/server.ts';
import type { Configuration } from '../model/configuration.ts';
import { createNodeClient, type NodeClient } from '../noderpc/client.ts';
import { opcodes } from '../opcodes/catalog.ts';
import { operations } from '../operations/catalog.ts';
import type { World } from '../operations/operation.ts';
import { Placements } from '../operations/placements.ts';
import { createRunner, stepFinder } from '../operations/runner.ts';
import { strandedRules } from '../operations/stranded/rules.ts';
import { evaluateExpression } from '../queries/language/evaluate-json.ts';
import { nodeAddresses, nodeDaemonPort } from './addresses.ts';
import { AllocatorThread } from './allocation/thread.ts';
import { ConfigurationEvents, EventLog, JobEvents } from './events.ts';
import { createHooksRunner } from './hooks.ts';
import { createRequestHandler } from './luxi-requests.ts';
import { bringMasterIpUp } from './master-ip.ts';
import { NotMaster } from './not-master.ts';
import { createQueries } from './queries.ts';
import { reachOf } from './reach.ts';
import { CommitTimes, readStatistics } from './statistics.ts';

/** Milliseconds that running jobs have to end when the daemon is stopped; the next start unwinds the rest. */
const graceMs = 10_000;

export interface MasterOptions {
  readonly paths: Paths;
  readonly log: Log;
  /** Called when this daemon must end: another node is master now, or something is broken that a start mends. */
  readonly end: (fault?: Error) => void;
}

export interface Master {
  close(): Promise<void>;
}

interface QueueSetting {
  readonly files: JobFiles;
  readonly loaded: LoadedQueue;
  readonly config: OpenStore;
  readonly world: World;
  readonly locks: LockManager;
  readonly nodes: NodeClient;
}

/** The queue's files; candidates may have them from now on, with the journal's entries since. */
async function loadFiles({ paths, log }: MasterOptions, config: OpenStore) {
  const files = new JobFiles(paths, log);
  files.position = () => config.engine.last;
  const loaded = await files.load();
  config.filesFrom((since) => (since === null ? files.all() : files.changedSince(since)));
  return { files, loaded };
}

async function startQueue({ paths, log }: MasterOptions, setting: QueueSetting) {
  const { files, loaded, config, world, locks, nodes } = setting;
  const secrets = secretNamesOf(opcodes.values());
  const durable = config.journal;
  const ledger = new StepLedger(durable, secrets);
  const found = foldJobs(
    loaded,
    config.entries.map(({ kind, json }) => ({ kind, data: JSON.parse(json) as unknown })).filter(isJobEntry),
    ledger,
  );
  const stranded = new StrandedSteps<World>({
    world,
    ledger,
    rules: strandedRules,
    locks,
    log,
    reach: (node) => reachOf(node, nodes, config.current),
    release: (owner) => config.reservations.release(owner),
    now,
  });
  let queue: JobQueue | undefined;
  const execute = createRunner({
    operations,
    world,
    locks,
    journal: ledger,
    hooks: createHooksRunner({ nodes, paths, current: () => config.current }),
    secrets,
    submit: (jobs) => queue!.submitMany(jobs),
  });
  const state = await recoverQueue(found, {
    world,
    ledger,
    findStep: stepFinder(operations),
    durable,
    files,
    now,
    log,
  });
  queue = new JobQueue(
    {
      findOpcode: (id) => opcodes.get(id),
      secrets,
      execute,
      durable,
      ledger,
      files,
      rules: () => config.current.filters,
      evaluate: evaluateExpression,
      runningLimit: () => config.current.cluster.max_running_jobs,
      now,
      log,
    },
    state,
  );
  config.keepFor(createKeeper({ queue, files, ledger, durable }));
  return { queue, stranded };
}

function onlyOnce<T>(work: (argument: T) => void): (argument: T) => void {
  let isDone = false;
  return (argument) => {
    if (isDone) return;
    isDone = true;
    work(argument);
  };
}

/**
 * The configuration's own word counts: a former master that was given the new one's whole copy has its epoch,
 * and ssconf files that are older.
 */
function requireOwnRole({ nodes, cluster }: Configuration): void {
  const master = nodes.get(cluster.master_node)?.name;
  if (master === undefined || isOwnName(master)) return;
  throw new NotMaster(`by the configuration that is here the cluster's master is ${master}`);
}

export async function composeMaster(options: MasterOptions): Promise<Master> {
  const { paths, log } = options;
  for (const directory of [paths.queueDir, paths.archiveDir, paths.socketDir])
    await mkdir(directory, { recursive: true, mode: 0o750 });
  const commits = new CommitTimes();
  const config = await openStore({ paths, log, committed: (milliseconds) => commits.add(milliseconds) });
  try {
    requireOwnRole(config.current);
  } catch (error) {
    await config.close();
    throw error;
  }
  config.engine.onLoss(() => {
    const { broken } = config.engine;
    if (broken !== undefined) options.end(new Failure('ConfigurationError', [broken]));
  });
  let patienceMs = graceMs;
  const superseded = onlyOnce((reason: Failure) => {
    // Nodes refuse whatever running jobs still ask of them.
    patienceMs = 0;
    log.error(`${reason.message}; this master daemon ends`);
    config.stop(reason);
    options.end();
  });
  const nodes = createNodeClient({
    paths,
    log,
    address: nodeAddresses(() => config.current, nodeDaemonPort()),
    epoch: () => config.engine.epoch,
    superseded,
  });
  const locks = new LockManager();
  const { files, loaded } = await loadFiles(options, config);
  const distribution = startDistributor({ store: config, nodes, log, superseded });
  const allocator = new AllocatorThread();
  const master = {
    redistribute: () => distribution.settle(true),
    nodesNamedHere: () => distribution.nodesNamedHere(),
    queryContext: () => queries.context(),
    stranded: () => stranded.list(),
    forgetStranded: (key: Parameters<typeof stranded.forget>[0]) => stranded.forget(key),
    answerAllocation: (call: Parameters<typeof allocator.answer>[0]) => allocator.answer(call),
    placements: new Placements(() => config.current),
  };
  const world: World = { config, nodes, paths, log, now, master };
  const { queue, stranded } = await startQueue(options, { files, loaded, config, world, locks, nodes });
  config.onCommit(() => queue.reschedule());
  const events = new EventLog();
  const changes = new ConfigurationEvents(config.current);
  config.onCommit((configuration, changed) => events.add(changes.of(configuration, changed)));
  const jobEvents = new JobEvents();
  queue.onChange((job) => events.add(jobEvents.of(job)));
  const queries = createQueries({ config, nodes, queue: () => queue, locks, paths });
  const statistics = () =>
    readStatistics({
      ...{ commits, locks, queue: () => queue, configuration: () => config.current },
      candidates: () => distribution.candidates(),
    });
  const luxi = await serveLuxi({
    path: luxiAddress(paths),
    handle: createRequestHandler({ config, queue, queries, events, statistics, paths, nodes, log, now }),
    log,
  });
  await bringMasterIpUp({ config, nodes, log });
  queue.unpause();
  stranded.start();
  return {
    async close() {
      await luxi.close(1000);
      await stranded.close();
      queue.pause();
      await withDeadline(queue.idle(), patienceMs, 'the end of running jobs').catch((error: unknown) =>
        log.warning(messageOf(error)),
      );
      await allocator.close();
      await files.flush(true);
      await distribution.close();
      await config.close();
      await nodes.close();
    },
  };
}
