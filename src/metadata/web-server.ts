/**
 * The web server for instances. It serves one address, that of the metadata service; the node has it while an instance
 * has a communication interface, so binding is tried again until it has. What an instance may cost is limited, so that
 * none keeps the others from being answered.
 */
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { messageOf, traceOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { WebAnswer, WebRequest } from './web.ts';

export interface WebServerOptions {
  readonly answer: (request: WebRequest) => Promise<WebAnswer>;
  readonly log: Log;
  readonly port: number;
  readonly bind: string;
  /** Milliseconds between attempts to bind to an address that the node doesn't have yet. */
  readonly againMs?: number;
}

export interface WebServer {
  /** Serves now, or as soon as the node has the address. @throws for a port that is taken */
  begin(): Promise<void>;
  /** Once it serves. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

const limits = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 2500,
  maxHeaderSize: 8192,
};
/** Milliseconds without a byte in either direction. */
const silenceMs = 30_000;
/** Of each instance. */
const mostConnections = 16;
const defaultAgainMs = 1000;

async function send(message: IncomingMessage, response: ServerResponse, answer: WebAnswer): Promise<void> {
  const { status, type, body, allow } = answer;
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': typeof body === 'string' ? Buffer.byteLength(body) : body.size,
    ...(allow === undefined ? {} : { Allow: allow }),
    ...(message.complete ? {} : { Connection: 'close' }),
  });
  if (typeof body === 'string') response.end(body);
  else if (body.size === 0) response.end();
  else await pipeline(createReadStream(body.path, { end: body.size - 1 }), response);
}

/** @returns takes a connection in, or shows it out when its instance has enough of them */
function doorkeeper(): (socket: Socket) => void {
  const counts = new Map<string, number>();
  return (socket) => {
    const { remoteAddress: from } = socket;
    const count = counts.get(from ?? '') ?? 0;
    if (from === undefined || count >= mostConnections) {
      socket.destroy();
      return;
    }
    counts.set(from, count + 1);
    socket.once('close', () => {
      const left = (counts.get(from) ?? 1) - 1;
      if (left === 0) counts.delete(from);
      else counts.set(from, left);
    });
  };
}

export function createWebServer(options: WebServerOptions): WebServer {
  const { answer, log, port, bind } = options;
  const server = createServer(limits);
  server.setTimeout(silenceMs);
  server.on('connection', doorkeeper());
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('request', (message, response) => {
    response.on('error', () => {});
    const { method = '', url = '/', socket } = message;
    const from = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    answer({ method, url, from })
      .then((made) => send(message, response, made))
      .catch((error: unknown) => {
        // Most often the instance has gone before it had everything.
        log.info(`${method} ${url} for ${from}: ${traceOf(error)}`);
        response.destroy();
      });
  });
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: bind }, () => {
        server.off('error', reject);
        server.on('error', (error) => log.error(messageOf(error)));
        log.info(`Instances are answered at ${bind} port ${(server.address() as AddressInfo).port}`);
        resolve();
      });
    });
  const attempt = async (): Promise<void> => {
    try {
      await listen();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL' || closed) throw error;
      timer = setTimeout(() => {
        attempt().catch((fault: unknown) => log.error(`Instances are not answered: ${messageOf(fault)}`));
      }, options.againMs ?? defaultAgainMs);
    }
  };
  return {
    begin: attempt,
    get port() {
      return (server.address() as AddressInfo | null)?.port;
    },
    close: () =>
      new Promise((resolve) => {
        closed = true;
        clearTimeout(timer);
        if (!server.listening) return resolve();
        server.close(() => resolve());
        return server.closeAllConnections();
      }),
  };
}
