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

/** @param most connections at once */
export function openMaster(connect: () => Promise<Connection>, most: number): MasterConnections {
  const idle: Connection[] = [];
  const waiting: (() => void)[] = [];
  let busy = 0;
  let closed = false;

  const turn = async () => {
    if (busy >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
  };
  /** Hands the turn on. */
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) busy -= 1;
    else next();
  };
  const reply = async (method: string, args: readonly unknown[]) => {
    await turn();
    let client = idle.pop();
    try {
      client ??= await connect();
      return await client.reply(method, args);
    } finally {
      if (client !== undefined) {
        if (closed) client.close();
        else idle.push(client);
      }
      leave();
    }
  };
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
      closed = true;
      for (const client of idle.splice(0)) client.close();
    },
  };
}
