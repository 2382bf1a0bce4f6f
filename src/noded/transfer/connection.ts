/**
 * The TLS connection between the two ends. Each side shows a certificate and takes only the one that it was
 * told; names are not compared, because every node of a cluster shows the same certificate. The receiver
 * listens on a free port and takes the first visitor that is who it should be.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { sleep } from '../../kit/clock.ts';
import { executionFailure, messageOf } from '../../kit/failure.ts';
import { certificateIn } from '../../noderpc/pem.ts';
import type { TransferSpec } from './spec.ts';
import { type Chunks, framedProtocol } from './stream.ts';

/** As Ganeti's sending side does (constants.RIE_CONNECT_RETRIES, RIE_CONNECT_ATTEMPT_TIMEOUT). */
const retries = 10;
const attemptTimeoutMs = 20_000;
const keepaliveMs = 60_000;
const confirmation = 'K';

export interface Connection {
  readonly socket: TLSSocket;
  /** Both sides frame and confirm. */
  readonly framed: boolean;
}

function credentials(spec: TransferSpec) {
  return {
    key: readFileSync(spec.keyFile, 'utf8'),
    cert: readFileSync(spec.certificateFile, 'utf8'),
    minVersion: 'TLSv1.2' as const,
    ALPNProtocols: [framedProtocol],
    // The certificate is compared whole instead: no authority or name could say more.
    rejectUnauthorized: false,
  };
}

/** Says why whoever shows this certificate is not the other side, or nothing. */
function stranger(socket: TLSSocket, spec: TransferSpec): string | undefined {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return 'no certificate was shown';
  const wanted = certificateIn(spec.peerCertificate, 'the certificate of the other side');
  if (!shown.raw.equals(wanted.raw)) return 'another certificate than agreed was shown';
  const now = Date.now();
  if (now > shown.validToDate.getTime()) return 'the certificate is expired';
  return undefined;
}

function ready(socket: TLSSocket): Connection {
  socket.setKeepAlive(true, keepaliveMs);
  // A later failure is told by whoever reads or writes; without a listener it would end the process.
  socket.on('error', () => {});
  return { socket, framed: socket.alpnProtocol === framedProtocol };
}

/**
 * Waits for the sender.
 * @param listening told the port
 * @throws Failure OpExecError when nobody has come in time
 */
export async function accept(
  spec: TransferSpec,
  { listening, said, signal }: ConnectOptions & { readonly listening: (port: number) => Promise<void> },
): Promise<Connection> {
  const server = createServer({ ...credentials(spec), requestCert: true });
  const visitor = new Promise<Connection>((resolve) => {
    server.on('secureConnection', (socket) => {
      const fault = stranger(socket, spec);
      if (fault === undefined) {
        resolve(ready(socket));
        return;
      }
      said(`refused ${socket.remoteAddress ?? 'somebody'}: ${fault}`);
      socket.on('error', () => {});
      socket.destroy();
    });
  });
  server.on('tlsClientError', (error) => said(`TLS: ${error.message}`));
  server.listen({ port: spec.port ?? 0, host: spec.ipv6 ? '::' : '0.0.0.0' });
  await once(server, 'listening', { signal });
  try {
    await listening((server.address() as AddressInfo).port);
    const late = sleep(spec.connectTimeout * 1000, signal).then(() => {
      throw executionFailure(`Didn't establish connection in time (${spec.connectTimeout}s)`);
    });
    late.catch(() => {});
    return await Promise.race([visitor, late]);
  } finally {
    server.close();
  }
}

interface ConnectOptions {
  readonly said: (line: string) => void;
  readonly signal: AbortSignal;
}

function attempt(spec: TransferSpec, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...credentials(spec), host: spec.host!, port: spec.port! });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(signal.reason as Error);
    const timer = setTimeout(() => fail(new Error('no answer')), attemptTimeoutMs);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', (error) => {
      settle();
      reject(error);
    });
    socket.once('secureConnect', () => {
      settle();
      const fault = stranger(socket, spec);
      if (fault === undefined) resolve(ready(socket));
      else fail(executionFailure(fault));
    });
  });
}

/** Connects to the receiver, again and again for a while. @throws Failure OpExecError */
export async function reach(spec: TransferSpec, { said, signal }: ConnectOptions): Promise<Connection> {
  const where = `${spec.host}:${spec.port}`;
  for (let tried = 0; ; tried += 1) {
    try {
      return await attempt(spec, signal);
    } catch (error) {
      signal.throwIfAborted();
      said(`${where}: ${messageOf(error)}`);
      if (tried >= retries) throw executionFailure(`can't connect to ${where}: ${messageOf(error)}`, error);
      await sleep(1000, signal);
    }
  }
}

/** What comes in. The connection stays open at the end, for the confirmation. */
export function received({ socket }: Connection): Chunks {
  return socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** Waits for the event, or for the connection's end. */
function whenever<T>(socket: TLSSocket, event: 'drain' | 'data'): Promise<T> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) {
      reject(executionFailure('the connection broke'));
      return;
    }
    const settle = () => {
      socket.removeListener(event, good);
      socket.removeListener('error', bad);
      socket.removeListener('close', closed);
      socket.removeListener('end', closed);
    };
    const good = (value: T) => {
      settle();
      resolve(value);
    };
    const bad = (error: Error) => {
      settle();
      reject(executionFailure(`the connection broke: ${error.message}`, error));
    };
    const closed = () => bad(new Error('closed by the other side'));
    socket.on(event, good);
    socket.on('error', bad);
    socket.on('close', closed);
    socket.on('end', closed);
  });
}

/** Sends everything. @throws Failure OpExecError when the connection breaks */
export async function send({ socket }: Connection, chunks: Chunks): Promise<void> {
  for await (const chunk of chunks) {
    if (socket.destroyed) throw executionFailure('the connection broke');
    if (!socket.write(chunk)) await whenever(socket, 'drain');
  }
}

/** Ends this side of the connection and waits for the other's, not for ever. It may have been the first. */
function hangUp(socket: TLSSocket, lastWords?: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) {
      resolve();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), 5_000);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    if (lastWords === undefined) socket.end();
    else socket.end(lastWords);
    socket.resume();
  });
}

/** The sender's end of the conversation: where the receiver confirms, waits until it has. */
export async function finishSending({ socket, framed }: Connection): Promise<void> {
  if (framed) {
    const answer = await whenever<Buffer>(socket, 'data').catch((error: unknown) => {
      throw executionFailure(`the receiver has not confirmed that all is stored: ${messageOf(error)}`, error);
    });
    if (answer.toString('latin1') !== confirmation) throw executionFailure('the receiver answers nonsense');
  }
  await hangUp(socket);
}

/** The receiver's end: tells the sender that everything is stored. */
export async function finishReceiving({ socket, framed }: Connection): Promise<void> {
  await hangUp(socket, framed ? confirmation : undefined);
}
