/**
 * The wire of the configuration daemon (doc/design-2.1, "confd"): a datagram is "plj0" and a JSON envelope
 * `{msg, salt, hmac}`, whose `msg` is JSON too and whose `hmac` is HMAC-SHA1 of salt and message under the cluster's
 * key. A request's salt is the time in seconds, which keeps old ones out; an answer's salt is the one that the
 * request asked for, which ties it to its question. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const confdPort = 1814;
export const protocolVersion = 1;
const magic = 'plj0';
/** constants.CONFD_MAX_CLOCK_SKEW, seconds either way. */
export const longestSkew = 300;
/** constants.MAX_UDP_DATA_SIZE, bytes. */
export const largestDatagram = 61_440;

/** constants.CONFD_REQ_* and, of the Haskell daemon, ReqNodeInstances (8). */
export const requestTypes = {
  ping: 0,
  nodeRoleByName: 1,
  nodeAddressByInstanceAddress: 2,
  clusterMaster: 3,
  nodeAddresses: 4,
  candidateAddresses: 5,
  instanceAddresses: 6,
  nodeDrbd: 7,
  nodeInstances: 8,
  instanceDisks: 9,
  configQuery: 10,
  dataCollectors: 11,
} as const;
export type RequestName = keyof typeof requestTypes;

/** constants.CONFD_REQQ_*: keys of a query that is an object. */
export const queryKeys = { link: '0', address: '1', addresses: '2', fields: '3' } as const;
/** constants.CONFD_REQFIELD_*: what is asked of the master. */
export const masterFields = { name: 0, address: 1, nodeAddress: 2 } as const;
/** constants.CONFD_NODE_ROLE_*. */
export const nodeRoles = { master: 0, candidate: 1, offline: 2, drained: 3, regular: 4 } as const;
/** constants.CONFD_REPL_STATUS_*. */
export const replyStatus = { okay: 0, error: 1, notImplemented: 2 } as const;
/** constants.CONFD_ERROR_*: answers of replies with status error; others are sentences. */
export const errorNumbers = { unknownEntry: 0, internal: 1, argument: 2 } as const;

export interface ConfdRequest {
  readonly protocol: number;
  readonly type: number;
  readonly query: unknown;
  /** The salt of the answer. */
  readonly rsalt: string;
}

export interface ConfdReply {
  readonly protocol: number;
  readonly status: number;
  readonly answer: unknown;
  /** Of the object that the answer is about, the cluster for most; 0 when there is none. */
  readonly serial: number;
}

export type Key = string | Uint8Array;

function signature(key: Key, msg: string, salt: string): string {
  return createHmac('sha1', key).update(`${salt}${msg}`).digest('hex');
}

/** The datagram of a message. */
export function pack(key: Key, message: unknown, salt: string): string {
  const msg = JSON.stringify(message);
  return magic + JSON.stringify({ msg, salt, hmac: signature(key, msg, salt) });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Message and salt of a datagram; undefined when it is none of this protocol or isn't signed with the key. */
export function unpack(
  key: Key,
  datagram: string,
): { readonly message: unknown; readonly salt: string } | undefined {
  if (!datagram.startsWith(magic)) return undefined;
  try {
    const envelope: unknown = JSON.parse(datagram.slice(magic.length));
    if (!isRecord(envelope)) return undefined;
    const { msg, salt, hmac } = envelope;
    if (typeof msg !== 'string' || typeof salt !== 'string' || typeof hmac !== 'string') return undefined;
    const expected = Buffer.from(signature(key, msg, salt));
    const given = Buffer.from(hmac);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    return { message: JSON.parse(msg) as unknown, salt };
  } catch {
    return undefined;
  }
}

/**
 * A request that came in a datagram.
 * @param now seconds since the epoch
 * @returns a sentence for the log when it isn't one, is forged, or is too old or too new
 */
export function unpackRequest(key: Key, datagram: string, now: number): ConfdRequest | string {
  const unpacked = unpack(key, datagram);
  if (unpacked === undefined) return 'no signed message of this cluster';
  const { message, salt } = unpacked;
  if (!/^\d{1,15}$/.test(salt)) return 'the salt is no time';
  if (Math.abs(Number(salt) - now) > longestSkew) return 'Too old/too new timestamp or clock skew';
  if (!isRecord(message)) return 'the message is no object';
  const { protocol, type, query = null, rsalt } = message;
  if (protocol !== protocolVersion) return `protocol ${String(protocol)} is not ${protocolVersion}`;
  if (!Number.isInteger(type) || !Object.values<unknown>(requestTypes).includes(type))
    return `unknown request type ${String(type)}`;
  if (typeof rsalt !== 'string') return 'the message has no rsalt';
  return { protocol: protocolVersion, type: type as number, query, rsalt };
}

/** The reply to the request with `rsalt`; undefined when the datagram is another or isn't genuine. */
export function unpackReply(key: Key, datagram: string, rsalt: string): ConfdReply | undefined {
  const unpacked = unpack(key, datagram);
  if (unpacked === undefined || unpacked.salt !== rsalt || !isRecord(unpacked.message)) return undefined;
  const { protocol, status, answer, serial } = unpacked.message;
  if (typeof protocol !== 'number' || typeof status !== 'number') return undefined;
  return { protocol, status, answer, serial: typeof serial === 'number' ? serial : 0 };
}
