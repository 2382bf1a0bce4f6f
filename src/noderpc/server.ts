/**
 * The server side of node calls: HTTPS with client certificates. A caller is admitted when its
 * certificate is signed by the cluster's and, once master candidates are known, is one of theirs.
 * Arguments and results are checked against the call's definition on this side too.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import * as z from 'zod';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { epochHeader, type Fence } from './fence.ts';
import type { NodeHandler } from './handler.ts';
import type { Identity } from './identity.ts';
import { bodyLimit, encodeAnswer, encodeRefusal } from './wire.ts';

export interface NodeServerOptions {
  readonly identity: Identity;
  readonly handlers: ReadonlyMap<string, NodeHandler>;
  readonly log: Log;
  readonly port: number;
  readonly bind: string;
  /** Refuses what an older master asks; without it every master is heard. */
  readonly fence?: Fence;
  /** Requests that run at the same time; more wait their turn. */
  readonly maxClients?: number;
}

export interface NodeServer {
  /** Listens; gives the port, which matters when 0 was asked for. */
  listen(): Promise<number>;
  /** Serves new connections with the cluster certificate as it is now on disk. */
  reloadCertificate(): void;
  /** Takes no new request and resolves when those that run have ended, at the latest after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit)
      throw new Failure('ProtocolError', [`the request is larger than ${bodyLimit} bytes`]);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseArgument(handler: NodeHandler, body: string): unknown {
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch (error) {
    throw new Failure('ProtocolError', [`the argument of ${handler.call.name} is not JSON`], {
      cause: error,
    });
  }
  const parsed = handler.call.argument.safeParse(raw);
  if (!parsed.success) {
    throw new Failure('ProtocolError', [
      `wrong argument for ${handler.call.name}: ${z.prettifyError(parsed.error)}`,
    ]);
  }
  return parsed.data;
}

async function run(handler: NodeHandler, body: string, peer: string, signal: AbortSignal): Promise<string> {
  const argument = parseArgument(handler, body);
  const value = await handler.handle(argument as never, { signal, peer });
  const checked = handler.call.result.safeParse(value);
  if (!checked.success) {
    throw new Failure('ProgrammerError', [
      `${handler.call.name} gave a wrong result: ${z.prettifyError(checked.error)}`,
    ]);
  }
  return encodeAnswer(checked.data);
}

/** At most `limit` at a time; the others wait in the order in which they came. */
function createGate(limit: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function reply(response: ServerResponse, status: number, body: string, close = false): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(close ? { connection: 'close' } : {}),
  });
  response.end(body);
}

export function createNodeServer(options: NodeServerOptions): NodeServer {
  const { identity, handlers, log } = options;
  const gate = createGate(options.maxClients ?? 64);
  const stopping = new AbortController();
  const active = new Set<Promise<void>>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = request.socket as TLSSocket;
    const peer = socket.remoteAddress ?? 'unknown';
    const refusal = identity.refusal(socket.getPeerX509Certificate());
    if (refusal !== undefined) {
      log.warning(`Refused ${peer}: ${refusal}`);
      reply(response, 403, encodeRefusal(new Failure('RpcError', [refusal])), true);
      return;
    }
    const name = (request.url ?? '/').slice(1);
    const handler = request.method === 'POST' ? handlers.get(name) : undefined;
    if (handler === undefined) {
      reply(
        response,
        404,
        encodeRefusal(new Failure('RpcError', [`this node does not know the call '${name}'`])),
      );
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping.signal]);
    try {
      const body = await readBody(request);
      const epoch = Number(request.headers[epochHeader]);
      if (Number.isSafeInteger(epoch)) await options.fence?.admit(epoch);
      log.debug(`${peer} calls ${name}`);
      const result = await gate(() => run(handler, body, peer, signal));
      if (handler.call.effect === 'change') log.info(`${name} done for ${peer}`);
      reply(response, 200, result);
    } catch (error) {
      log.error(`${name} for ${peer} failed: ${messageOf(error)}`);
      if (!response.headersSent) reply(response, 200, encodeRefusal(error), !request.complete);
    }
  }

  const tlsOptions = () => {
    const { pem } = identity.cluster();
    return { key: pem, cert: pem, minVersion: 'TLSv1.2' as const };
  };
  const server: Server = createServer(
    {
      ...tlsOptions(),
      requestCert: true,
      // Judged at each request by identity.refusal, which also knows Ganeti's self-issued certificates.
      rejectUnauthorized: false,
      keepAliveTimeout: 60_000,
      headersTimeout: 30_000,
      requestTimeout: 0,
    },
    (request, response) => {
      const work = answer(request, response)
        .catch((error: unknown) => {
          log.error(`Error while handling request from ${request.socket.remoteAddress}: ${messageOf(error)}`);
          response.destroy();
        })
        .finally(() => active.delete(work));
      active.add(work);
    },
  );
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
  });
  server.on('tlsClientError', (error) => log.debug(`TLS: ${error.message}`));

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.bind, () => {
          server.removeListener('error', reject);
          server.on('error', (error) => log.error(`Server: ${error.message}`));
          resolve((server.address() as AddressInfo).port);
        });
      }),
    reloadCertificate: () => server.setSecureContext(tlsOptions()),
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      const timer = setTimeout(() => stopping.abort(), graceMs);
      while (active.size > 0 && !stopping.signal.aborted) {
        await Promise.race([
          Promise.allSettled(active),
          new Promise<void>((resolve) =>
            stopping.signal.addEventListener('abort', () => resolve(), { once: true }),
          ),
        ]);
      }
      clearTimeout(timer);
      server.closeAllConnections();
      await closed;
    },
  };
}
