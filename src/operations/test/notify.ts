/**
 * Tells a test of clients where it stands: opens a socket, names it in the job's log, and waits until the
 * test has connected and gone again (cmdlib/test.py, LUTestJqueue).
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Failure } from '../../kit/failure.ts';

/** Milliseconds, as Ganeti has them: until the test connects, and until it hangs up. */
const connectTimeoutMs = 20_000;
const confirmTimeoutMs = 60_000;
/** The log entry that clients look for (constants.ELOG_JQUEUE_TEST). */
const entryType = 'jqueue-test';

export interface Notice {
  /** exec, expandnames, logmsg or startmsg (constants.JQT_*). */
  readonly test: string;
  readonly argument: number | null;
}

export interface NotifyParts {
  readonly tell: (type: string, message: unknown) => void;
  readonly signal: AbortSignal;
  readonly failure: (text: string) => Failure;
}

const within = (signal: AbortSignal, milliseconds: number) =>
  AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);

/** @throws what `failure` makes when the test doesn't come or doesn't go in time */
export async function notify({ test, argument }: Notice, parts: NotifyParts): Promise<void> {
  const { tell, signal, failure } = parts;
  const folder = await mkdtemp(join(tmpdir(), 'ganeti-test-'));
  const path = join(folder, 'socket');
  const server = createServer({ allowHalfOpen: false });
  let visitor: Socket | undefined;
  try {
    server.listen(path);
    await once(server, 'listening');
    tell(entryType, [path, test, argument]);
    try {
      [visitor] = (await once(server, 'connection', { signal: within(signal, connectTimeoutMs) })) as [
        Socket,
      ];
    } catch {
      signal.throwIfAborted();
      throw failure("Client didn't connect in time (timed out)");
    }
    try {
      visitor.resume();
      await once(visitor, 'close', { signal: within(signal, confirmTimeoutMs) });
    } catch {
      signal.throwIfAborted();
      throw failure('Client failed to confirm notification (timed out)');
    }
  } finally {
    visitor?.destroy();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
