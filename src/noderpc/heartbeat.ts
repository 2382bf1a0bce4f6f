/**
 * A node that loses its power answers nothing, and refuses nothing: a request that waits for it would wait
 * until its deadline, which for some calls is an hour. So while a call takes long, the node is asked now and
 * then for a sign of life on a connection of its own; a node that gives none in time is as good as gone.
 */
import { sleep } from '../kit/clock.ts';
import { Failure } from '../kit/failure.ts';

export interface HeartbeatOptions {
  /** Milliseconds between two questions, and how long one may take. */
  readonly everyMs: number;
  readonly patienceMs: number;
  /** So often in a row a node may stay silent before it counts as gone. */
  readonly silences: number;
  /** Asks for a sign of life; rejects when there is none. */
  readonly ask: (signal: AbortSignal) => Promise<void>;
}

/** Ganeti's connect timeout is 5 s and a busy node may be slow: gone after some 17 seconds of silence. */
export const usualHeartbeat = { everyMs: 1_500, patienceMs: 4_000, silences: 3 } as const;

/** For questions whose answer says no more than how the node is: gone after some 8 seconds. */
export const hastyHeartbeat = { everyMs: 1_000, patienceMs: 2_500, silences: 2 } as const;

/**
 * The result of `work`, which is aborted when the node gives no sign of life.
 * @throws Failure RpcError when it doesn't, else whatever `work` throws
 */
export async function whileAlive<T>(
  options: HeartbeatOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  let watching: Watch | undefined;
  // Nearly every call is over before the first question.
  const timer = setTimeout(() => {
    watching = watch(options, gone);
  }, options.everyMs);
  try {
    return await work(gone.signal);
  } finally {
    clearTimeout(timer);
    await watching?.end();
  }
}

interface Watch {
  end(): Promise<void>;
}

/** Asks until it is ended; too many silences abort `gone`. */
function watch(options: HeartbeatOptions, gone: AbortController): Watch {
  const done = new AbortController();
  const asking = async () => {
    for (let silent = 0; ; ) {
      try {
        await options.ask(AbortSignal.any([done.signal, AbortSignal.timeout(options.patienceMs)]));
        silent = 0;
      } catch {
        if (done.signal.aborted) return;
        silent += 1;
        if (silent >= options.silences) {
          gone.abort(new Failure('RpcError', ['the node has stopped answering']));
          return;
        }
      }
      await sleep(options.everyMs, done.signal);
    }
  };
  const over = asking().catch(() => {});
  return {
    async end() {
      done.abort();
      await over;
    },
  };
}
