/** One question to the configuration daemon of this node: a signed datagram there, a signed one back. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Paths } from '../../kit/paths.ts';
import { pythonText } from '../output/python-text.ts';

const magic = 'plj0';
const protocolVersion = 1;
const port = 1814;
const nodeDrbdRequest = 7;
const statusOkay = 0;
const answerMs = 5000;

const millisecondsPerSecond = 1000;

interface Envelope {
  readonly msg: string;
  readonly salt: string;
  readonly hmac: string;
}

function signature(key: string, { msg, salt }: Pick<Envelope, 'msg' | 'salt'>): string {
  return createHmac('sha1', key).update(`${salt}${msg}`).digest('hex');
}

/** The datagram of a request. `salt` is the time, against replays. */
export function packRequest(key: string, request: unknown, salt: string): string {
  const msg = JSON.stringify(request);
  return magic + JSON.stringify({ msg, salt, hmac: signature(key, { msg, salt }) });
}

/** The content of an answer to the request with `salt`; undefined when it isn't one or isn't genuine. */
export function unpackAnswer(key: string, datagram: string, salt: string): unknown {
  if (!datagram.startsWith(magic)) return undefined;
  try {
    const envelope = JSON.parse(datagram.slice(magic.length)) as Envelope;
    const expected = Buffer.from(signature(key, envelope));
    const given = Buffer.from(envelope.hmac);
    const isGenuine = expected.length === given.length && timingSafeEqual(expected, given);
    return isGenuine && envelope.salt === salt ? JSON.parse(envelope.msg) : undefined;
  } catch {
    return undefined;
  }
}

function ask(key: string, type: number, query: unknown): Promise<unknown> {
  const rsalt = randomUUID();
  const request = { protocol: protocolVersion, type, query, rsalt };
  const now = String(Math.floor(Date.now() / millisecondsPerSecond));
  const socket = createSocket('udp4');
  const answer = new Promise<unknown>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(executionFailure('Did not receive all expected confd replies')),
      answerMs,
    );
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      finish();
    };
    socket.on('message', (datagram) => {
      const content = unpackAnswer(key, datagram.toString('utf8'), rsalt);
      if (content !== undefined) settle(() => resolve(content));
    });
    socket.on('error', (error) => settle(() => reject(error)));
    socket.connect(port, '127.0.0.1', () => socket.send(packRequest(key, request, now)));
  });
  return answer.finally(() => socket.close());
}

/**
 * Rows of node, minor, instance, disk, role and peer of the DRBD minors in use on a node.
 * @throws Failure OpExecError when nobody answers or the answer is no
 */
export async function queryNodeDrbd(paths: Paths, node: string): Promise<unknown[][]> {
  let key: string;
  try {
    key = await readFile(paths.confdHmacKey, 'utf8');
  } catch (error) {
    throw prerequisiteFailure(`Can't read ${paths.confdHmacKey}: ${messageOf(error)}`, ErrorCode.environment);
  }
  const reply = (await ask(key, nodeDrbdRequest, node)) as { status?: number; answer?: unknown };
  if (reply.status !== statusOkay) {
    throw executionFailure(
      `Query gave non-ok status '${pythonText(reply.status)}': ${pythonText(reply.answer)}`,
    );
  }
  const rows = [...(reply.answer as unknown[][])];
  return rows.sort(([leftNode, leftMinor], [rightNode, rightMinor]) =>
    leftNode === rightNode
      ? Number(leftMinor) - Number(rightMinor)
      : String(leftNode) < String(rightNode)
        ? -1
        : 1,
  );
}
