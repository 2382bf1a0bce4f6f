/**
 * Broken requests for the remote API, each from its number alone, so that one that does harm can be sent again: wrong
 * methods, paths, queries, headers, names, bodies, lengths, and bytes that are no HTTP at all.
 */
import { routes } from '../../src/rapi/routes/table.ts';

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export interface Rubbish {
  readonly bytes: Buffer;
  /** The server can tell where it ends, so that the next one may follow it. */
  readonly isWhole: boolean;
}

const resources = routes.filter(({ path }) => path !== '/3/events');
const methods = ['GET', 'GET', 'GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'TRACE'];
const words = [
  ...[
    'web1',
    'node1.virtual.example',
    '12',
    '0',
    '-1',
    '..',
    '%00',
    '%2e%2e%2f',
    '%ff%fe',
    '__proto__',
    'a'.repeat(300),
  ],
  ...['constructor', '"', "'", '<script>', '\\', ';', '99999999999999999999', '1e9', 'é', '☃', ' ', ''],
];
const queries = [
  '',
  '',
  '?',
  '?bulk=1',
  '?bulk=x',
  '?force=1&dry-run=1',
  '?tag=a&tag=b',
  '?fields=name,',
  '?&&==&%',
  '?mode=',
];
const bodies = [
  ...[
    '',
    '{}',
    '[]',
    'null',
    '{',
    '"',
    '{"a":',
    '[[[[[[[[',
    '{"__version__": 1}',
    '{"mode": 7, "disks": "x"}',
    '\u0000\u0001',
  ],
  ...[
    '{"force": "yes", "depends": [[-1, []]]}',
    '{"name": {"a": [1, 2, {"b": null}]}}',
    '9'.repeat(500),
    '"'.repeat(99),
  ],
  ...['['.repeat(3000), `{"x": "${'y'.repeat(2000)}"}`, '{"__proto__": {"force": true}}', '1e999999'],
];
/** Nobody, somebody who may not change anything, wrong ones, broken ones. */
const users = ['look:glass', 'look:wrong', 'nobody:x', ':', 'look', 'a'.repeat(2000), '\u0000:\u0000'].map(
  (user) => `Basic ${Buffer.from(user).toString('base64')}`,
);
const authorizations = ['', '', '', ...users, 'Basic', 'Basic ===', 'Bearer abc', 'Digest username="x"'];
const types = [
  'application/json',
  'application/json',
  'text/plain',
  'application/json; charset=utf-8',
  '*/*',
  'x',
];
const headers = [
  '',
  '',
  '',
  'Accept: text/html\r\n',
  'X-Long: '.padEnd(3000, 'z').concat('\r\n'),
  'Connection: keep-alive\r\n',
];
/** No request at all, or one whose end nobody can tell. */
const broken = [
  ...[
    'GET\r\n\r\n',
    'GET / HTTP/9\r\n\r\n',
    '\u0000\u0000\u0000\u0000',
    '\r\n\r\n\r\n\r\nx',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ],
  'PUT /2/modify HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde',
  'PUT /2/modify HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'PUT /2/modify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'POST /2/instances HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n{',
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  `GET /version HTTP/1.1\r\n${'X: y\r\n'.repeat(3000)}\r\n`,
  'GET /version HTTP/1.1\r\nHost: a\r\nX: b\u0000c\r\n\r\n',
];
/** One in so many is not whole, since each costs a connection. */
const brokenEvery = 200;

/** @param number any; the same gives the same bytes */
export function rubbish(number: number): Rubbish {
  const below = randomFrom(number);
  const one = <T>(values: readonly T[]): T => values[below(values.length)]!;
  if (below(brokenEvery) === 0) {
    const noise = Buffer.from(Array.from({ length: 1 + below(200) }, () => below(256)));
    const bytes = below(3) === 0 ? noise : Buffer.from(one(broken), 'latin1');
    return { bytes: Buffer.concat([bytes, Buffer.from('\r\n\r\n')]), isWhole: false };
  }
  const { path: pattern, method } = one(resources);
  const path = pattern.replace(/\{\w+\}/g, () =>
    below(3) === 0 ? encodeURIComponent(one(words)) : one(['web1', '12']),
  );
  const extra = below(10) === 0 ? `/${encodeURI(one(words))}` : '';
  const authorization = one(authorizations);
  const body = Buffer.from(below(2) === 0 ? '' : one(bodies));
  const head =
    `${below(4) === 0 ? one(methods) : method} ${path}${extra}${one(queries)} HTTP/1.1\r\nHost: a\r\nContent-Type: ${one(types)}\r\n${one(headers)}` +
    `${authorization === '' ? '' : `Authorization: ${authorization}\r\n`}Content-Length: ${body.length}\r\n\r\n`;
  return { bytes: Buffer.concat([Buffer.from(head), body]), isWhole: true };
}
