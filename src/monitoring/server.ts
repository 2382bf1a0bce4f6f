/**
 * The sockets of the monitoring daemon: plain HTTP, as everybody who asks it expects. Anybody may ask, so connections,
 * headers, time and the number of answers that are being made are limited; bodies are not read.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Answer, ApiRequest } from './api.ts';

export interface MonitoringServerOptions {
  readonly answer: (request: ApiRequest) => Promise<Answer>;
  readonly log: Log;
  readonly port: number;
  readonly addresses: readonly string[];
}

export interface MonitoringServer {
  /** @returns the port */
  listen(): Promise<number>;
  close(): Promise<void>;
}

const limits = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 2500,
  maxHeaderSize: 8192,
};
/** Milliseconds without a byte in either direction: one that takes nothing of its answer keeps no place. */
const silenceMs = 60_000;
const mostConnections = 256;
const mostAtOnce = 64;

function send(message: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...(message.complete ? {} : { Connection: 'close' }),
  });
  response.end(message.method === 'HEAD' ? undefined : body);
}

function serverFor({ answer, log }: MonitoringServerOptions, running: { count: number }): Server {
  const server = createServer(limits);
  server.setTimeout(silenceMs);
  server.maxConnections = mostConnections;
  server.on('clientError', (_error, socket: Socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  server.on('request', (message, response) => {
    response.on('error', () => {});
    if (running.count >= mostAtOnce) {
      send(message, response, { status: 503, type: 'text/plain', body: 'Too many requests at once' });
      return;
    }
    running.count += 1;
    const { method = '', url = '/', headers } = message;
    answer({ method, url, accept: headers.accept })
      .then(
        (made) => send(message, response, made),
        (error: unknown) => {
          log.error(`${method} ${url}: ${messageOf(error)}`);
          send(message, response, { status: 500, type: 'text/plain', body: 'A handler failed' });
        },
      )
      .catch((error: unknown) => log.error(messageOf(error)))
      .finally(() => {
        running.count -= 1;
      });
  });
  return server;
}

function listenOn(server: Server, port: number, host: string, log: Log): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      server.on('error', (error) => log.error(messageOf(error)));
      resolve((server.address() as AddressInfo).port);
    });
  });
}

export function createMonitoringServer(options: MonitoringServerOptions): MonitoringServer {
  const running = { count: 0 };
  const servers = options.addresses.map((address) => ({ address, server: serverFor(options, running) }));
  return {
    async listen() {
      let { port } = options;
      for (const { address, server } of servers) port = await listenOn(server, port, address, options.log);
      return port;
    },
    async close() {
      await Promise.all(
        servers.map(({ server }) => {
          const ended = new Promise<void>((resolve) => {
            server.close(() => resolve());
          });
          server.closeAllConnections();
          return ended;
        }),
      );
    },
  };
}
