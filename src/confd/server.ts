/** The socket of the configuration daemon. Whatever isn't a signed request of this cluster gets no answer at all. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { replyTo, Unanswerable } from './answers.ts';
import { type Key, largestDatagram, pack, replyStatus, unpackRequest } from './client/protocol.ts';
import type { View } from './view.ts';

export interface ConfdServerOptions {
  /** Read for each request: the key may be renewed. */
  readonly key: () => Key;
  readonly view: () => View | Error;
  readonly log: Log;
  readonly port: number;
  readonly bind: string;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

export interface ConfdServer {
  /** @returns the port */
  listen(): Promise<number>;
  close(): Promise<void>;
}

/** The datagram of the answer; undefined when there is none to be given. */
export function answerDatagram(
  options: Omit<ConfdServerOptions, 'port' | 'bind'>,
  text: string,
): string | undefined {
  const { key, view, log, now } = options;
  const request = unpackRequest(key(), text, now());
  if (typeof request === 'string') {
    log.debug(`Failed to parse incoming message: ${request}`);
    return undefined;
  }
  try {
    const reply = replyTo(view(), request);
    const datagram = pack(key(), reply, request.rsalt);
    if (Buffer.byteLength(datagram) <= largestDatagram) return datagram;
    const answer = `The answer is larger than a datagram (${largestDatagram} bytes)`;
    return pack(key(), { ...reply, status: replyStatus.error, answer, serial: 0 }, request.rsalt);
  } catch (error) {
    if (!(error instanceof Unanswerable)) throw error;
    log.debug(`Failed to parse incoming message: ${error.message}`);
    return undefined;
  }
}

export function createConfdServer(options: ConfdServerOptions): ConfdServer {
  const { log, port, bind } = options;
  const socket = createSocket({ type: isIPv6(bind) ? 'udp6' : 'udp4', reuseAddr: false });
  socket.on('message', (message: Buffer, from: RemoteInfo) => {
    try {
      const answer = answerDatagram(options, message.toString('utf8'));
      if (answer === undefined) return;
      socket.send(answer, from.port, from.address, (error) => {
        if (error !== null) log.debug(`No answer to ${from.address}: ${messageOf(error)}`);
      });
    } catch (error) {
      log.error(`A request of ${from.address}: ${messageOf(error)}`);
    }
  });
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ port, address: bind }, () => {
          socket.off('error', reject);
          socket.on('error', (error) => log.error(messageOf(error)));
          resolve(socket.address().port);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        socket.close(() => resolve());
      }),
  };
}
