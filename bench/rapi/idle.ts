/**
 * Opens many TLS connections that say nothing, sees whether others are answered meanwhile, and waits until the server
 * has shown all of them out. Prints one line of JSON.
 *
 *     node bench/rapi/idle.ts ADDRESS PORT [--connections N]
 */
import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';

export interface IdleResult {
  readonly opened: number;
  readonly refused: number;
  /** Milliseconds that an answer took while they were open. */
  readonly answerMs: number;
  /** Connections that the server closed within the time. */
  readonly closed: number;
  readonly seconds: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { connections: { type: 'string', default: '10000' } },
});
const [host = '', port = ''] = positionals;
const atOnce = 50;
const patienceMs = 60_000;

const open: TLSSocket[] = [];
let refused = 0;
let closed = 0;

function dial(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      open.push(socket);
      // Half of them have asked something before they fall silent.
      if (open.length % 2 === 0) socket.write('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
      resolve();
    });
    socket.resume();
    socket.once('error', () => {
      refused += 1;
      resolve();
    });
    socket.once('close', () => {
      closed += 1;
    });
  });
}

function answerTime(): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(
      { host, port: Number(port), path: '/2/info', rejectUnauthorized: false },
      (response) => {
        response.resume();
        response.once('end', () => resolve(performance.now() - began));
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}

const began = performance.now();
let left = Number(values.connections);
let answerMs = 0;
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (left > 0) {
      left -= 1;
      await dial();
    }
  }),
);
for (let count = 0; count < 5; count += 1) answerMs = Math.max(answerMs, await answerTime());
const until = performance.now() + patienceMs;
while (closed < open.length && performance.now() < until)
  await new Promise((resolve) => setTimeout(resolve, 100));
const result: IdleResult = {
  opened: open.length,
  refused,
  answerMs,
  closed,
  seconds: (performance.now() - began) / 1000,
};
console.log(JSON.stringify(result));
for (const socket of open) socket.destroy();
