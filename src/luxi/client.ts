/**
 * The end of LUXI that commands, RAPI, htools and the watcher hold. One request at a time travels on the
 * connection; more wait their turn. Reads are asked again when the master daemon restarts meanwhile;
 * anything else is not, since it may have taken effect.
 *
 * A missing daemon is told at once, without Ganeti's thirty seconds of trying.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeFailure, Failure } from '../kit/failure.ts';
import { frame, MessageCutter } from '../kit/message-framing.ts';

export interface LuxiClient {
  /**
   * The result of a method.
   * @throws Failure of the class that the daemon names; ProtocolError when it did not understand the
   *   request or the connection broke; TimeoutError after three minutes without an answer
   */
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  close(): void;
}

/** An answer as it came, for whoever can tell by its text that nothing is new. */
export interface LuxiReply {
  readonly text: string;
  /** @throws Failure as `call` */
  result(): unknown;
}

/** A client that also gives answers as they came. */
export interface LuxiConnection extends LuxiClient {
  /** @throws Failure as `call`, but for failures that the daemon answers */
  reply(method: string, args: readonly unknown[]): Promise<LuxiReply>;
}

export interface LuxiClientOptions {
  /** Milliseconds to wait for an answer (constants.LUXI_DEF_RWTO is 180 s). */
  readonly answerMs?: number;
  /** Pauses in milliseconds before a read is asked again on a new connection. */
  readonly retryMs?: readonly number[];
}

const largestAnswer = 1024 * 1024 * 1024;
const defaultRetries = [200, 500, 1000, 2000, 4000, 8000];

/** The connection broke before the answer was there. */
class ConnectionLost extends Failure {
  constructor(text: string) {
    super('ProtocolError', [text]);
  }
}

function openSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      if (code === 'EACCES' || code === 'EPERM')
        reject(new Failure('PermissionError', [path], { cause: error }));
      else if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK')
        reject(new Failure('NoMasterError', [path], { cause: error }));
      else reject(new Failure('ProtocolError', [`Can't connect to ${path}: ${error.message}`]));
    });
  });
}

/** One connection: sends a request, waits for the answer. */
class Connection {
  readonly #socket: Socket;
  readonly #cutter = new MessageCutter(largestAnswer);
  #waiting: { resolve(message: string): void; reject(error: unknown): void } | undefined;
  lost = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of this.#cutter.push(chunk)) this.#settle()?.resolve(message);
      } catch (error) {
        this.#break(error);
      }
    });
    socket.on('error', (error) =>
      this.#break(new ConnectionLost(`Connection broke while reading: ${error.message}`)),
    );
    socket.on('close', () => this.#break(new ConnectionLost('Connection closed while reading')));
  }

  #settle() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  #break(error: unknown): void {
    this.lost = true;
    this.#socket.destroy();
    this.#settle()?.reject(error);
  }

  ask(message: string, answerMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          this.#break(new Failure('TimeoutError', [`Receive timeout: no answer in ${answerMs / 1000} s`])),
        answerMs,
      );
      this.#waiting = {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      this.#socket.write(message);
    });
  }

  close(): void {
    this.lost = true;
    this.#socket.end();
    this.#socket.destroy();
    this.#settle()?.reject(new ConnectionLost('Connection is closed'));
  }
}

function resultOf(answer: string): unknown {
  let reply: unknown;
  try {
    reply = JSON.parse(answer);
  } catch (error) {
    throw new Failure('ProtocolError', ['Error while deserializing response'], { cause: error });
  }
  if (typeof reply !== 'object' || reply === null || !('success' in reply) || !('result' in reply)) {
    throw new Failure('ProtocolError', [`Invalid response from server: ${answer.slice(0, 200)}`]);
  }
  if (reply.success === true) return reply.result;
  if (typeof reply.result === 'string') throw new Failure('ProtocolError', [reply.result]);
  throw decodeFailure(reply.result);
}

function mayRepeat(method: string): boolean {
  return method.startsWith('Query') || method.startsWith('WaitFor');
}

/**
 * Connects to the master daemon.
 * @throws Failure NoMasterError (its argument is the path) when nobody listens there; PermissionError when
 *   this user may not
 */
export async function connectLuxi(
  socketPath: string,
  options: LuxiClientOptions = {},
): Promise<LuxiConnection> {
  const answerMs = options.answerMs ?? 180_000;
  const retries = options.retryMs ?? defaultRetries;
  let connection = new Connection(await openSocket(socketPath));
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();

  const attempt = async (message: string) => {
    if (closed) throw new Failure('ProtocolError', ['Connection is closed']);
    if (connection.lost) connection = new Connection(await openSocket(socketPath));
    return await connection.ask(message, answerMs);
  };

  const ask = async (method: string, args: readonly unknown[]) => {
    const message = frame({ method, args });
    for (let number = 0; ; number += 1) {
      try {
        return await attempt(message);
      } catch (error) {
        const pause = retries[number];
        const gone =
          error instanceof ConnectionLost ||
          (number > 0 && (error as Failure).errorClass === 'NoMasterError');
        if (!gone || closed || pause === undefined || !mayRepeat(method)) throw error;
        await delay(pause);
      }
    }
  };

  const inTurn = (method: string, args: readonly unknown[]) => {
    const answer = turn.then(() => ask(method, args));
    turn = answer.catch(() => {});
    return answer;
  };

  return {
    call: async (method, args) => resultOf(await inTurn(method, args)),
    async reply(method, args) {
      const text = await inTurn(method, args);
      return { text, result: () => resultOf(text) };
    },
    close() {
      closed = true;
      connection.close();
    },
  };
}

/** What a user reads when nobody listens (cli.FormatError). `socketPath` is the failure's argument. */
export function noMasterSentence(socketPath: string, usualPath: string): string {
  const daemon = socketPath === usualPath ? 'the master daemon' : `socket '${socketPath}'`;
  return `Cannot communicate with ${daemon}.\nIs the process running and listening for connections?`;
}
