/**
 * The master daemon as routes ask it: LUXI calls over a few kept connections, each used by one request at a time;
 * further requests wait their turn. Failures become HTTP errors as Ganeti's (baserlib, server/rapi.py).
 */
import { Failure } from '../kit/failure.ts';
import { pythonRepr, pythonText } from '../kit/python-text.ts';
import type { LuxiConnection, LuxiReply } from '../luxi/client.ts';
import type { AnyOpcode } from '../opcodes/opcode.ts';
import { HttpError } from './http-error.ts';

export interface Master {
  /** @throws HttpError, or the Failure that the master answered with */
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  /** The same as it came: its `result` throws what the master answered. */
  reply(method: string, args: readonly unknown[]): Promise<LuxiReply>;
  /** @returns the job's number */
  submit(ops: readonly AnyOpcode[]): Promise<unknown>;
}

export interface MasterConnections extends Master {
  close(): void;
}

/** Python's str() of the exception: one argument as it is, more as a tuple. */
function exceptionText({ args }: Failure): string {
  if (args.length === 1) return pythonText(args[0]);
  return `(${args.map(pythonRepr).join(', ')})`;
}

/** What went wrong, for the client: nobody there, no answer, an answer that nobody understands, or a refusal. */
export function asHttpError(failure: Failure): HttpError {
  switch (failure.errorClass) {
    case 'NoMasterError':
      return new HttpError(502, `Can't connect to master daemon: ${exceptionText(failure)}`);
    case 'PermissionError':
      return new HttpError(500, 'Internal error: no permission to connect to the master daemon');
    case 'TimeoutError':
      return new HttpError(504);
    case 'ProtocolError':
    case 'LuxiError':
      return new HttpError(502, exceptionText(failure));
    default:
      return new HttpError(500, exceptionText(failure));
  }
}

/** Refusals of a submission have words of their own. */
function submissionError(error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  switch (error.errorClass) {
    case 'JobQueueFull':
      return new HttpError(503, 'Job queue is full, needs archiving');
    case 'JobQueueDrainError':
      return new HttpError(503, 'Job queue is drained, cannot submit');
    case 'NoMasterError':
      return new HttpError(502, `Master seems to be unreachable: ${exceptionText(error)}`);
    case 'TimeoutError':
      return new HttpError(504, `Timeout while talking to the master daemon: ${exceptionText(error)}`);
    default:
      return error;
  }
}

type Connection = Pick<LuxiConnection, 'reply' | 'close'>;

/** Connections that are kept, each used by one request at a time. */
class Lane {
  readonly #connect: () => Promise<Connection>;
  readonly #most: number;
  readonly #idle: Connection[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #isClosed = false;

  constructor(connect: () => Promise<Connection>, most: number) {
    this.#connect = connect;
    this.#most = most;
  }

  async reply(method: string, args: readonly unknown[]): Promise<LuxiReply> {
    if (this.#busy >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy += 1;
    let client = this.#idle.pop();
    try {
      client ??= await this.#connect();
      return await client.reply(method, args);
    } finally {
      if (client !== undefined) {
        if (this.#isClosed) client.close();
        else this.#idle.push(client);
      }
      this.#leave();
    }
  }

  /** Hands the turn on. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#idle.splice(0)) client.close();
  }
}

/** What the master daemon answers when something happens, which may take its ten seconds and more. */
const waits: ReadonlySet<string> = new Set(['WaitForJobChange']);

/**
 * Whoever waits for a job takes no turn of those who ask and go: there are as many connections again for them.
 * @param most connections at once, of each kind
 */
export function openMaster(connect: () => Promise<Connection>, most: number): MasterConnections {
  const asking = new Lane(connect, most);
  const waiting = new Lane(connect, most);
  const reply = (method: string, args: readonly unknown[]) =>
    (waits.has(method) ? waiting : asking).reply(method, args);
  const call = async (method: string, args: readonly unknown[]) => (await reply(method, args)).result();
  return {
    call,
    reply,
    async submit(ops) {
      try {
        return await call('SubmitJob', [ops]);
      } catch (error) {
        throw submissionError(error);
      }
    },
    close() {
      asking.close();
      waiting.close();
    },
  };
}
