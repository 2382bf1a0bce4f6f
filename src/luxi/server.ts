/**
 * The end of LUXI that the master daemon holds. On each connection one request at a time is handled, in
 * order; its answer must have left before the next is read, so a reader that is slow or dead holds one
 * answer in memory and is cut off after a while. Garbage is answered with a sentence, never with a crash.
 *
 * Who may connect is decided by the kernel, by the permissions of the socket and its folder: see
 * docs/decisions/0020-luxi-peers.md.
 */
import { once } from 'node:events';
import { chmod, chown, rename, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { encodeFailure, Failure, messageOf, traceOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { frame, MessageCutter } from '../kit/message-framing.ts';

/** Who asks. */
export interface LuxiPeer {
  /** Counts connections, for the log. */
  readonly connection: number;
  /** Aborted when the connection is gone: nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

export interface LuxiServerOptions {
  readonly path: string;
  /**
   * Does what `method` asks. A Failure of class ProtocolError means that the request was not understood
   * and travels as a bare sentence, any other as [class, [arguments]].
   */
  readonly handle: (method: string, args: readonly unknown[], peer: LuxiPeer) => Promise<unknown>;
  readonly log: Log;
  /** Numeric group of the socket, for daemons that don't run as root; without it the process's own. */
  readonly group?: number;
  /** Bytes of the largest request that is taken; 64 MiB. */
  readonly largestRequest?: number;
  /** Milliseconds that a reader may take for one answer, or a writer for one request; 180 s. */
  readonly patienceMs?: number;
  readonly mostConnections?: number;
}

export interface LuxiServer {
  /** Stops listening, lets requests in hand finish for at most `graceMs`, then cuts every connection. */
  close(graceMs?: number): Promise<void>;
}

interface Limits {
  readonly largestRequest: number;
  readonly patienceMs: number;
}

/** A request's method and arguments, with Ganeti's words for what is no request. */
function parseRequest(text: string): { method: string; args: readonly unknown[] } {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch (error) {
    throw new Failure('ProtocolError', [
      `parsing top-level JSON message: Invalid JSON: ${messageOf(error).slice(0, 200)}`,
    ]);
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw new Failure('ProtocolError', ['parsing top-level JSON message: Invalid RPC request (not a dict)']);
  }
  const { method, args } = request as { method?: unknown; args?: unknown };
  if (method === undefined) throw new Failure('ProtocolError', ["key 'method' not found"]);
  if (args === undefined) throw new Failure('ProtocolError', ["key 'args' not found"]);
  if (typeof method !== 'string' || !Array.isArray(args)) {
    throw new Failure('ProtocolError', ["'method' must be a string and 'args' a list"]);
  }
  return { method, args };
}

function encodeError(error: unknown): unknown {
  if (error instanceof Failure && error.errorClass === 'ProtocolError') {
    return `Failed to parse request: ${error.message}`;
  }
  return encodeFailure(error);
}

async function answer(text: string, options: LuxiServerOptions, peer: LuxiPeer): Promise<string> {
  try {
    const { method, args } = parseRequest(text);
    const result = await options.handle(method, args, peer);
    return frame({ success: true, result: result ?? null });
  } catch (error) {
    if (!(error instanceof Failure)) {
      options.log.error(`luxi connection ${peer.connection}: ${traceOf(error)}`);
    }
    return frame({ success: false, result: encodeError(error) });
  }
}

/** Resolves when the kernel has taken the whole answer; destroys a connection that doesn't read. */
function send(socket: Socket, message: string, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), patienceMs);
    const done = () => {
      clearTimeout(timer);
      socket.removeListener('close', done);
      resolve();
    };
    socket.once('close', done);
    socket.write(message, done);
  });
}

/**
 * Handles the requests of one connection until it ends.
 * @returns a function that ends the connection once the request in hand, if any, is answered
 */
function converse(socket: Socket, number: number, options: LuxiServerOptions, limits: Limits): () => void {
  const gone = new AbortController();
  const peer: LuxiPeer = { connection: number, gone: gone.signal };
  const cutter = new MessageCutter(limits.largestRequest);
  const queue: string[] = [];
  let working = false;
  let ended = false;
  let slow: NodeJS.Timeout | undefined;

  const work = async () => {
    working = true;
    for (let text = queue.shift(); text !== undefined && !socket.destroyed; text = queue.shift()) {
      await send(socket, await answer(text, options, peer), limits.patienceMs);
    }
    working = false;
    if (ended) socket.end();
    else socket.resume();
  };

  const take = (chunk: Buffer) => {
    queue.push(...cutter.push(chunk));
    clearTimeout(slow);
    if (cutter.partial) slow = setTimeout(() => socket.destroy(), limits.patienceMs);
    if (queue.length === 0) return;
    if (queue.length > 1 || cutter.partial) socket.pause();
    if (!working) void work();
  };

  socket.on('data', (chunk: Buffer) => {
    try {
      take(chunk);
    } catch (error) {
      options.log.warning(`luxi connection ${number}: ${messageOf(error)}`);
      socket.removeAllListeners('data');
      socket.end(frame({ success: false, result: encodeError(error) }), () => socket.destroy());
    }
  });
  socket.on('end', () => {
    ended = true;
    if (!working) socket.end();
  });
  socket.on('error', (error) => options.log.debug(`luxi connection ${number}: ${error.message}`));
  socket.on('close', () => {
    clearTimeout(slow);
    queue.length = 0;
    gone.abort();
  });
  return () => {
    ended = true;
    queue.length = 0;
    if (!working) socket.destroy();
  };
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

/** Binds beside the path and moves there once the permissions stand: nobody meets a half-made socket. */
async function listen(server: Server, options: LuxiServerOptions): Promise<bigint> {
  if (await isServed(options.path)) {
    throw new Failure('LuxiError', [`Another process listens on ${options.path} already`]);
  }
  const fresh = `${options.path}.new`;
  await unlink(fresh).catch(() => {});
  server.listen({ path: fresh, backlog: 128 });
  await once(server, 'listening');
  await chmod(fresh, 0o660);
  if (options.group !== undefined) await chown(fresh, process.geteuid?.() ?? -1, options.group);
  await rename(fresh, options.path);
  return (await stat(options.path, { bigint: true })).ino;
}

/**
 * Listens on the socket until closed.
 * @throws Failure LuxiError when another process listens there
 */
export async function serveLuxi(options: LuxiServerOptions): Promise<LuxiServer> {
  const limits: Limits = {
    largestRequest: options.largestRequest ?? 64 * 1024 * 1024,
    patienceMs: options.patienceMs ?? 180_000,
  };
  const open = new Map<Socket, () => void>();
  let count = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    count += 1;
    open.set(socket, converse(socket, count, options, limits));
    socket.once('close', () => open.delete(socket));
  });
  server.maxConnections = options.mostConnections ?? 1024;
  server.on('error', (error) => options.log.error(`luxi socket: ${error.message}`));
  const inode = await listen(server, options);

  return {
    async close(graceMs = 5000) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const own = await stat(options.path, { bigint: true }).catch(() => undefined);
      if (own?.ino === inode) await unlink(options.path).catch(() => {});
      for (const finish of open.values()) finish();
      const timer = setTimeout(() => {
        for (const socket of open.keys()) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
