/**
 * Sends broken requests (./rubbish.ts) to a remote API over several connections and prints, as one line of JSON, how it
 * answered. A program of its own, so that it can run inside the namespaces of another cluster.
 *
 *     node bench/rapi/fuzz.ts ADDRESS PORT [--requests N] [--connections N] [--from NUMBER]
 *
 * What is not well: no answer to a request that is whole, an answer that isn't HTTP, a body that isn't JSON, and a
 * status of a fault, but for two that are Ganeti's answer to a request at fault: 500 with the master daemon's refusal
 * (tags of objects that aren't there), 502 for a query of what nobody knows. The first are named by their numbers.
 */
import { connect, type TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';
import { rubbish } from './rubbish.ts';

export interface FuzzResult {
  readonly requests: number;
  readonly seconds: number;
  /** How often each status came; 0 is a closed connection. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '1000000' },
    connections: { type: 'string', default: '8' },
    from: { type: 'string', default: '0' },
  },
});
const [host = '', port = ''] = positionals;
const patienceMs = 20_000;
const mostNamed = 20;

const last = Number(values.from) + Number(values.requests);
let next = Number(values.from);
const statuses = new Map<number, number>();
const faults: string[] = [];

/** Of the newest connection: the next one needs no whole handshake. */
let session: Buffer | undefined;

function open(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const known = session === undefined ? {} : { session };
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ...known }, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.on('session', (given) => {
      session = given;
    });
    socket.once('error', reject);
  });
}

/** The tuple of a refusal with one of Ganeti's error codes. */
const refusal = /&#x27;[a-z_]+&#x27;\)"/;
/** What the master daemon says of a resource that it has no queries for. */
const unknownResource = /"Failed to parse request: .* as neitherQueryTypeLuxi nor QueryTypeOp"/;

/** Ganeti doesn't know a method, and says so with a status of this kind. */
const unknownMethod = 501;

function isFault(status: number, body: string): boolean {
  if (status < 500 || status === unknownMethod) return false;
  if (status === 500) return !refusal.test(body);
  return !(status === 502 && unknownResource.test(body));
}

interface Answer {
  /** 0: the connection was closed without one. */
  readonly status: number;
  readonly stays: boolean;
  readonly body: string;
}

/** The first answer on the connection; later ones of a broken request are nobody's. */
function answerOn(socket: TLSSocket, isHead: boolean): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    const finish = (answer: Answer) => {
      clearTimeout(timer);
      socket.removeListener('data', take);
      socket.removeListener('close', gone);
      resolve(answer);
    };
    const gone = () => finish({ status: 0, stays: false, body: '' });
    const take = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = text.slice(0, end);
      const length = isHead ? 0 : Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (text.length - end - 4 < length) return;
      finish({
        status: Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1] ?? -1),
        stays: !/^connection: close/im.test(head),
        body: text.slice(end + 4, end + 4 + length),
      });
    };
    const timer = setTimeout(gone, patienceMs);
    socket.on('data', take);
    socket.once('close', gone);
  });
}

function judge(number: number, isWhole: boolean, isHead: boolean, { status, body }: Answer): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  let fault: string | undefined;
  if (isFault(status, body) || status < 0 || (status === 0 && isWhole))
    fault = `status ${status} ${body.slice(0, 80)}`;
  else if (status !== 0 && !isHead && status !== 100) {
    try {
      JSON.parse(body);
    } catch {
      fault = `status ${status}, no JSON: ${body.slice(0, 40)}`;
    }
  }
  if (fault !== undefined && faults.length < mostNamed) faults.push(`${number}: ${fault}`);
}

async function client(): Promise<void> {
  let socket: TLSSocket | undefined;
  while (next < last) {
    const number = next;
    next += 1;
    const { bytes, isWhole } = rubbish(number);
    const isHead = bytes.toString('latin1', 0, 5) === 'HEAD ';
    socket ??= await open();
    const answered = answerOn(socket, isHead);
    socket.write(bytes);
    const answer = await answered;
    judge(number, isWhole, isHead, answer);
    if (!isWhole || !answer.stays) {
      socket.destroy();
      socket = undefined;
    }
  }
  socket?.destroy();
}

const begun = performance.now();
await Promise.all(Array.from({ length: Number(values.connections) }, client));
const result: FuzzResult = {
  requests: Number(values.requests),
  seconds: (performance.now() - begun) / 1000,
  statuses: Object.fromEntries([...statuses].sort(([one], [other]) => one - other)),
  faults,
};
console.log(JSON.stringify(result));
