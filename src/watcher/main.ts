/** ganeti-watcher: run by cron on every node. What it does and for whom is told in the room's README. */
import { mkdirSync } from 'node:fs';
import { now } from '../kit/clock.ts';
import { notMasterExit } from '../kit/daemon.ts';
import { optionsOrExit } from '../kit/daemon-options.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import { takeFileLock } from '../kit/file-lock.ts';
import { openDaemonLog } from '../kit/log-file.ts';
import { pathsFor } from '../kit/paths.ts';
import { watchAll } from './global.ts';
import { watchGroup } from './group.ts';
import { NotMaster } from './master.ts';
import { parseOptions } from './options.ts';
import { isPaused } from './pause.ts';

const program = 'ganeti-watcher';
/** constants.EXIT_*. */
const exit = { success: 0, failure: 1, notMaster: notMasterExit, nodeSetup: 12 } as const;

function codeOf(error: unknown): number {
  if (error instanceof NotMaster) return exit.notMaster;
  if (error instanceof Failure) {
    // The queue takes no jobs now; the next run will see.
    if (error.errorClass === 'JobQueueFull' || error.errorClass === 'JobQueueDrainError') return exit.success;
    if (error.errorClass === 'ResolverError') return exit.nodeSetup;
  }
  return exit.failure;
}

async function main(): Promise<number> {
  const options = optionsOrExit(program, '[-d]', () => parseOptions(process.argv.slice(2)));
  if (typeof options === 'number') return options;
  const paths = pathsFor();
  mkdirSync(paths.logDir, { recursive: true });
  const { debug } = options;
  const { log } = openDaemonLog(program, `${paths.logDir}/watcher.log`, {
    lowest: debug ? 'DEBUG' : 'INFO',
    echo: debug,
  });
  if ((await isPaused(paths, now())) && !options.ignorePause) {
    log.debug('Pause has been set, exiting');
    return exit.success;
  }
  // Whoever must have the cluster to himself (an upgrade) takes it for himself alone.
  const lock = takeFileLock(`${paths.lockDir}/ganeti-watcher.lock`, 'shared');
  if (lock === undefined) {
    log.error(`Can't acquire lock on ${paths.lockDir}/ganeti-watcher.lock`);
    return exit.success;
  }
  try {
    if (options.group === null) {
      await watchAll({ paths, log, options }, lock.descriptor);
      return exit.success;
    }
    return (await watchGroup({ paths, log, options })) ? exit.success : exit.failure;
  } catch (error) {
    if (error instanceof NotMaster) log.debug(`Not master, exiting: ${error.message}`);
    else log.error(messageOf(error));
    return codeOf(error);
  }
}

process.exit(await main());
