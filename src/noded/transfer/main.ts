/**
 * import-export: one end of the transfer of a disk, started by the node daemon for one transfer and ended
 * with it. A process of its own, so that gigabytes don't pass through the daemon and a restart of the daemon
 * does not end them. Its argument is its state folder, its standard input what it is to do (spec.ts); what it
 * logs goes to its standard error.
 */
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { now } from '../../kit/clock.ts';
import { executionFailure } from '../../kit/failure.ts';
import { createLog } from '../../kit/log.ts';
import { runTransfer } from './run.ts';
import type { TransferSpec } from './spec.ts';
import { StatusFile } from './status.ts';

async function main(): Promise<number> {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write('import-export is started by the node daemon\n');
    return 2;
  }
  const stopping = new AbortController();
  for (const [signal, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
  ] as const)
    process.on(signal, () => stopping.abort(executionFailure(`Exited due to signal ${number}`)));
  const spec = JSON.parse(await text(process.stdin)) as TransferSpec;
  const log = createLog('import-export', process.stderr);
  const status = new StatusFile(join(folder, 'status'), now);
  return await runTransfer(spec, { status, log, signal: stopping.signal });
}

// Streams of a failed transfer may still be open.
process.exit(await main());
