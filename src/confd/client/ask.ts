/**
 * One question to a few configuration daemons, by UDP: whoever has the newest configuration is believed. Datagrams get
 * lost, so the question is sent again while answers are missing.
 */
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { Failure } from '../../kit/failure.ts';
import {
  type ConfdReply,
  type Key,
  pack,
  protocolVersion,
  type RequestName,
  replyStatus,
  requestTypes,
  unpackReply,
} from './protocol.ts';

export interface Asking {
  readonly key: Key;
  /** Addresses of daemons; as many as `coverage` are asked, drawn by lot. */
  readonly peers: readonly string[];
  readonly port: number;
  /** Milliseconds until the answers that have come must do; 10,000 when not given (CONFD_CLIENT_EXPIRE_TIMEOUT). */
  readonly timeoutMs?: number;
  /** Daemons that are asked; 6 when not given (CONFD_DEFAULT_REQ_COVERAGE). */
  readonly coverage?: number;
}

const defaultTimeoutMs = 10_000;
const defaultCoverage = 6;
/** After this long without enough answers the question is sent once more; each pause is twice the one before. */
const firstPauseMs = 250;
const millisecondsPerSecond = 1000;

/** How many of the daemons asked must have answered (ConfdClient._NeededReplies). */
export function neededReplies(asked: number): number {
  if (asked < 3) return asked;
  return asked < 5 ? asked - 1 : Math.floor(asked / 2) + 1;
}

/** A reply that says something goes before one that doesn't; then the newest. */
function better(left: ConfdReply | undefined, right: ConfdReply): ConfdReply {
  if (left === undefined) return right;
  if (left.status !== right.status) return left.status === replyStatus.okay ? left : right;
  return right.serial > left.serial ? right : left;
}

function drawn(peers: readonly string[], count: number): string[] {
  return peers
    .map((peer) => ({ peer, lot: Math.random() }))
    .sort((a, b) => a.lot - b.lot)
    .slice(0, count)
    .map(({ peer }) => peer);
}

interface Question {
  readonly message: unknown;
  readonly rsalt: string;
}

/** Sends, sends again, and collects until enough have answered or time is up. */
function collect(socket: Socket, asking: Asking, peers: readonly string[], question: Question) {
  const answered = new Set<string>();
  let best: ConfdReply | undefined;
  let refused: Error | undefined;
  return new Promise<ConfdReply | undefined>((resolve, reject) => {
    let again: NodeJS.Timeout | undefined;
    const finish = () => {
      clearTimeout(again);
      clearTimeout(end);
      if (best === undefined && refused !== undefined) reject(refused);
      else resolve(best);
    };
    const end = setTimeout(finish, asking.timeoutMs ?? defaultTimeoutMs);
    const send = (pauseMs: number) => {
      const datagram = pack(
        asking.key,
        question.message,
        String(Math.floor(Date.now() / millisecondsPerSecond)),
      );
      for (const peer of peers.filter((each) => !answered.has(each))) {
        socket.send(datagram, asking.port, peer, (error) => {
          if (error !== null) refused = error;
        });
      }
      again = setTimeout(() => send(pauseMs * 2), pauseMs);
    };
    socket.on('error', (error) => {
      refused = error;
      finish();
    });
    socket.on('message', (datagram, from) => {
      const reply = unpackReply(asking.key, datagram.toString('utf8'), question.rsalt);
      if (reply === undefined) return;
      best = better(best, reply);
      answered.add(from.address);
      if (answered.size >= neededReplies(peers.length)) finish();
    });
    send(firstPauseMs);
  });
}

/**
 * The best reply, whatever its status.
 * @throws Failure TimeoutError when nobody answers
 */
export async function askConfd(
  asking: Asking,
  request: RequestName,
  query: unknown = null,
): Promise<ConfdReply> {
  const peers = drawn(asking.peers, asking.coverage ?? defaultCoverage);
  if (peers.length === 0) throw new Failure('ParameterError', ['There is no configuration daemon to ask']);
  const rsalt = randomUUID();
  const message = { protocol: protocolVersion, type: requestTypes[request], query, rsalt };
  const socket = createSocket(peers.some((peer) => isIPv6(peer)) ? 'udp6' : 'udp4');
  try {
    const reply = await collect(socket, asking, peers, { message, rsalt });
    if (reply !== undefined) return reply;
  } finally {
    socket.close();
  }
  throw new Failure('TimeoutError', [`No configuration daemon answers: asked ${peers.join(', ')}`]);
}

/**
 * The answer of a reply that says yes.
 * @throws Failure TimeoutError when nobody answers, OpExecError with the daemon's sentence when it says no
 */
export async function answerOf(
  asking: Asking,
  request: RequestName,
  query: unknown = null,
): Promise<unknown> {
  const { status, answer } = await askConfd(asking, request, query);
  if (status === replyStatus.okay) return answer;
  const what = typeof answer === 'string' ? answer : `error ${JSON.stringify(answer)}`;
  throw new Failure('OpExecError', [`The configuration daemon says no: ${what}`]);
}
