/**
 * Puts the master together, in the order in which its parts need each other. Jobs that a crash or a kill
 * interrupted are unwound before the first job starts; queries are answered from then on.
 */
import { mkdir } from 'node:fs/promises';
import type { OpenStore } from '../config/open.ts';
import { openStore } from '../config/open.ts';
import { JobFiles } from '../jobs/files.ts';
import { createKeeper } from '../jobs/keeper.ts';
import { StepLedger } from '../jobs/ledger.ts';
import { JobQueue } from '../jobs/queue.ts';
import { foldJobs, isJobEntry, recoverQueue } from '../jobs/recover.ts';
import { secretNamesOf } from '../jobs/redaction.ts';
import { now, withDeadline } from '../kit/clock.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { LockManager } from '../locks/manager.ts';
import { luxiAddress } from '../luxi/address.ts';
import { serveLuxi } from '../luxi/server.ts';
import { createNodeClient, type NodeClient } from '../noderpc/client.ts';
import { opcodes } from '../opcodes/catalog.ts';
import { operations } from '../operations/catalog.ts';
import type { World } from '../operations/operation.ts';
import { createRunner, stepFinder } from '../operations/runner.ts';
import { evaluateExpression } from '../queries/language/evaluate-json.ts';
import { nodeAddresses, nodeDaemonPort } from './addresses.ts';
import { startDistribution } from './distribution.ts';
import { createHooksRunner } from './hooks.ts';
import { createRequestHandler } from './luxi-requests.ts';
import { bringMasterIpUp } from './master-ip.ts';
import { createQueries } from './queries.ts';

/** Milliseconds that running jobs have to end when the daemon is stopped; the next start unwinds the rest. */
const graceMs = 10_000;

export interface MasterOptions {
  readonly paths: Paths;
  readonly log: Log;
  /** Called when this daemon must end: another node is master now. */
  readonly end: () => void;
}

export interface Master {
  close(): Promise<void>;
}

interface QueueSetting {
  readonly config: OpenStore;
  readonly world: World;
  readonly locks: LockManager;
  readonly nodes: NodeClient;
}

async function startQueue({ paths, log }: MasterOptions, { config, world, locks, nodes }: QueueSetting) {
  const secrets = secretNamesOf(opcodes.values());
  const files = new JobFiles(paths, log);
  files.position = () => config.engine.last;
  const durable = config.journal;
  const ledger = new StepLedger(durable, secrets);
  const found = foldJobs(
    await files.load(),
    config.entries.map(({ kind, json }) => ({ kind, data: JSON.parse(json) as unknown })).filter(isJobEntry),
    ledger,
  );
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
  return { queue, files };
}

export async function composeMaster(options: MasterOptions): Promise<Master> {
  const { paths, log } = options;
  for (const directory of [paths.queueDir, paths.archiveDir, paths.socketDir])
    await mkdir(directory, { recursive: true, mode: 0o750 });
  const config = await openStore({ paths, log });
  const nodes = createNodeClient({
    paths,
    log,
    address: nodeAddresses(() => config.current, nodeDaemonPort()),
  });
  const world: World = { config, nodes, paths, log, now };
  const locks = new LockManager();
  const distribution = startDistribution({ config, nodes, log, superseded: options.end });
  const { queue, files } = await startQueue(options, { config, world, locks, nodes });
  config.onCommit(() => queue.reschedule());
  const queries = createQueries({ config, nodes, queue: () => queue, locks, paths });
  const luxi = await serveLuxi({
    path: luxiAddress(paths),
    handle: createRequestHandler({ config, queue, queries, paths, now }),
    log,
  });
  await bringMasterIpUp({ config, nodes, log });
  queue.unpause();
  return {
    async close() {
      await luxi.close(1000);
      queue.pause();
      await withDeadline(queue.idle(), graceMs, 'the end of running jobs').catch((error: unknown) =>
        log.warning(messageOf(error)),
      );
      await files.flush(true);
      await distribution.close();
      await config.close();
      await nodes.close();
    },
  };
}
