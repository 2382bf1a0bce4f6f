/**
 * The daemon's HTTP server: connections, limits, bodies. Connections stay open between requests, since most of
 * the cost of a short request is its TLS handshake; a client that says `Connection: close` gets that.
 */
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { releaseVersion } from '../model/release.ts';
import { type Allowance, Connections } from './connections.ts';
import type { EventSink } from './event-hub.ts';
import { HttpError } from './http-error.ts';
import { errorAnswer, type HttpAnswer, type Service } from './service.ts';

export interface Certificate {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

export interface ServerOptions {
  readonly service: Service;
  readonly log: Log;
  readonly port: number;
  readonly bind: string;
  /** None: no TLS. */
  readonly certificate: Certificate | null;
  readonly patience?: Partial<Patience>;
  readonly allowance?: Partial<Allowance>;
}

/** How long clients may take, in milliseconds. */
export interface Patience {
  /** Until the header of a request is there; also for the handshake. */
  readonly headersMs: number;
  /** Until a request is there as a whole. */
  readonly requestMs: number;
  /** Between two requests. */
  readonly idleMs: number;
  /** Without a byte of an answer being taken. */
  readonly takingMs: number;
  /** How often that is looked at. */
  readonly checkMs: number;
}

export interface RapiServer {
  /** @returns the port */
  listen(): Promise<number>;
  renewCertificate(certificate: Certificate): void;
  /** @param graceMs milliseconds that running requests have */
  close(graceMs: number): Promise<void>;
}

const usualPatience: Patience = {
  ...{ headersMs: 10_000, requestMs: 60_000, idleMs: 15_000, takingMs: 20_000 },
  checkMs: 5000,
};
const usualAllowance: Allowance = { mostWaiting: 1000, mostHeld: 64 * 1024 * 1024 };
/** Together with those whose requests are being answered. */
const mostConnections = 4000;

const noBody = Promise.resolve(Buffer.alloc(0));

/** Collects the body. Too long a one is refused as soon as that is known. */
function readBody(message: IncomingMessage, most: number): Promise<Buffer> {
  const { 'content-length': announced = '0', 'transfer-encoding': encoding } = message.headers;
  if (announced === '0' && encoding === undefined) return noBody;
  const tooLarge = () => new HttpError(413, 'Request body too large');
  if (Number(announced) > most) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    message.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > most) {
        message.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    message.once('end', () => resolve(Buffer.concat(chunks)));
    message.once('error', reject);
    message.once('close', () => {
      if (!message.complete) reject(new HttpError(400, 'The connection ended within the request body'));
    });
  });
}

/** The client's end of a stream of events. */
function sinkOf(response: ServerResponse, gone: AbortSignal): EventSink {
  return {
    gone,
    get waiting() {
      return response.writableLength;
    },
    write(text) {
      if (!response.destroyed) response.write(text);
    },
    drained() {
      if (response.destroyed || response.writableLength === 0) return Promise.resolve();
      return new Promise((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
    },
    cut: () => response.destroy(),
  };
}

function send(
  message: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, stream }: HttpAnswer,
  gone: AbortSignal,
): void {
  if (response.destroyed) return;
  if (stream !== undefined) {
    response.writeHead(status, { ...headers, Server: `Ganeti ${releaseVersion}`, Connection: 'close' });
    stream(sinkOf(response, gone));
    return;
  }
  // What is left of the request can't be told from the next one.
  const unread = message.complete ? {} : { Connection: 'close' };
  response.writeHead(status, {
    ...headers,
    Server: `Ganeti ${releaseVersion}`,
    'Content-Length': Buffer.byteLength(body),
    ...unread,
  });
  response.end(message.method === 'HEAD' ? undefined : body);
}

/** A request that isn't HTTP. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const refusal = new HttpError(status);
  const { body } = errorAnswer(refusal);
  socket.end(
    `HTTP/1.1 ${status} ${refusal.message}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Server: Ganeti ${releaseVersion}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body.toString()}`,
  );
}

export function createRapiServer(options: ServerOptions): RapiServer {
  const { service, log, port, bind, certificate } = options;
  const { headersMs, requestMs, idleMs, takingMs, checkMs } = { ...usualPatience, ...options.patience };
  const connections = new Connections({ ...usualAllowance, ...options.allowance });
  const limits = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: checkMs,
    noDelay: true,
  };
  const server: Server | TlsServer =
    certificate === null
      ? createPlainServer(limits)
      : createTlsServer({ ...limits, ...certificate, minVersion: 'TLSv1.2', handshakeTimeout: headersMs });
  server.maxConnections = mostConnections;
  server.on('connection', (socket: Socket) => connections.opened(socket));
  server.on('clientError', refuse);
  server.on('request', (message: IncomingMessage, response: ServerResponse) => {
    const turn = connections.turn(message.socket);
    const gone = new AbortController();
    response.once('close', () => {
      turn.taken();
      if (!response.writableFinished) gone.abort();
    });
    response.on('error', () => {});
    const { method = '', url = '/', headers } = message;
    const began = performance.now();
    // It may be that of an answer before this one, which isn't taken yet.
    message.socket.setTimeout(0);
    service({
      method,
      url,
      authorization: headers.authorization,
      contentType: headers['content-type'],
      accept: headers.accept,
      lastEventId: headers['last-event-id']?.toString(),
      async readBody(most) {
        const body = await readBody(message, most);
        turn.begin();
        return body;
      },
      gone: gone.signal,
    }).then(
      (answer) => {
        const state = answer.stream === undefined ? turn.end(Buffer.byteLength(answer.body)) : 'running';
        if (state === 'gone') response.destroy();
        else send(message, response, answer, gone.signal);
        if (state === 'waiting' && !response.writableFinished) message.socket.setTimeout(takingMs);
        log.debug(`${method} ${url} ${answer.status} ${(performance.now() - began).toFixed(1)} ms`);
      },
      (error: unknown) => {
        log.error(messageOf(error));
        response.destroy();
      },
    );
  });
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port, host: bind, backlog: 1024 }, () => {
          server.off('error', reject);
          server.on('error', (error) => log.error(messageOf(error)));
          resolve((server.address() as AddressInfo).port);
        });
      }),
    renewCertificate(renewed) {
      if ('setSecureContext' in server) server.setSecureContext({ ...renewed, minVersion: 'TLSv1.2' });
    },
    async close(graceMs) {
      const ended = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
