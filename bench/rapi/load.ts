/**
 * Asks one HTTPS address again and again over several connections and prints how quickly it was answered, as one
 * line of JSON. A program of its own, so that it can run inside the namespaces of another cluster.
 *
 *     node bench/rapi/load.ts ADDRESS PORT PATH [--connections N] [--seconds N | --requests N] [--user NAME:PASSWORD]
 *
 * As light as it can be, since it shares the machine with what it measures: it looks at the status and the length
 * of an answer only. Where the server closes the connection, the next request opens another, as a client would.
 */

import { connect, type TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';

export interface LoadResult {
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '5' },
    requests: { type: 'string' },
    user: { type: 'string' },
  },
});
const [host = '', port = '', path = '/'] = positionals;
const authorization =
  values.user === undefined ? '' : `Authorization: Basic ${Buffer.from(values.user).toString('base64')}\r\n`;
const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\n${authorization}\r\n`;
const mostRequests = values.requests === undefined ? Number.POSITIVE_INFINITY : Number(values.requests);
const endOfHead = Buffer.from('\r\n\r\n');

let sent = 0;
let failures = 0;
let bytes = 0;
const times: number[] = [];

function open(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      socket.removeAllListeners('error');
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

interface Answer {
  readonly isGood: boolean;
  readonly stays: boolean;
}

/** Reads one answer. */
function answerOn(socket: TLSSocket): Promise<Answer> {
  return new Promise((resolve) => {
    let head: Buffer | undefined = Buffer.alloc(0);
    let answer: Answer = { isGood: false, stays: false };
    let left = 0;
    const finish = (found: Answer) => {
      socket.removeListener('data', take);
      socket.removeListener('close', broken);
      socket.removeListener('error', broken);
      resolve(found);
    };
    const broken = () => finish({ isGood: false, stays: false });
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (head === undefined) left -= chunk.length;
      else {
        head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
        const end = head.indexOf(endOfHead);
        if (end < 0) return;
        const text = head.toString('latin1', 0, end);
        answer = { isGood: text.startsWith('HTTP/1.1 200'), stays: !/^connection: close/im.test(text) };
        left = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0) - (head.length - end - 4);
        head = undefined;
      }
      if (left <= 0) finish(answer);
    };
    socket.on('data', take);
    socket.once('close', broken);
    socket.once('error', broken);
  });
}

async function client(until: number): Promise<void> {
  let socket: TLSSocket | undefined;
  while (performance.now() < until && sent < mostRequests) {
    sent += 1;
    const begun = performance.now();
    try {
      socket ??= await open();
      const answered = answerOn(socket);
      socket.write(request);
      const { isGood, stays } = await answered;
      if (!isGood) failures += 1;
      if (!stays) {
        socket.destroy();
        socket = undefined;
      }
    } catch {
      failures += 1;
      socket = undefined;
    }
    times.push(performance.now() - begun);
  }
  socket?.destroy();
}

const begun = performance.now();
const until =
  values.requests === undefined ? begun + Number(values.seconds) * 1000 : Number.POSITIVE_INFINITY;
await Promise.all(Array.from({ length: Number(values.connections) }, () => client(until)));
const seconds = (performance.now() - begun) / 1000;
const sorted = Float64Array.from(times).sort();
const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const result: LoadResult = {
  requests: times.length,
  failures,
  seconds,
  bytes,
  p50: at(0.5),
  p99: at(0.99),
  longest: sorted.at(-1) ?? 0,
};
console.log(JSON.stringify(result));
