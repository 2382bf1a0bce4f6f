/**
 * From a request to its answer: who asks, which route, may they, what does the body say, what comes back. The
 * order of the checks is Ganeti's, but for bodies: a body is read only after the rights were checked, so that
 * nobody without a right can make the daemon hold megabytes.
 */
import { Failure, messageOf, traceOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { type AnswerParts, answerRequest } from './answer.ts';
import type { EventHub, EventSink } from './event-hub.ts';
import { errorBody, HttpError } from './http-error.ts';
import { jsonBytes } from './json-text.ts';
import { asHttpError } from './master.ts';
import { type Read, Reads } from './reads.ts';
import { parseQuery, type RapiRequest } from './request.ts';
import type { Answer, Route } from './route.ts';
import { createFinder, type Found } from './routing.ts';
import { SharedReads } from './shared-reads.ts';
import { mayUse, passwordFits, type RapiUser, realm, type UserDirectory } from './users.ts';

/** Largest bodies in bytes: of known users (Ganeti's limit), and of anybody. */
export const largestBody = 10 * 1024 * 1024;
export const largestAnonymousBody = 64 * 1024;
/** Bytes of answers that are remembered. */
const mostRemembered = 16 * 1024 * 1024;

export interface HttpRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly accept: string | undefined;
  readonly lastEventId: string | undefined;
  /** @throws HttpError 413 when it is longer */
  readonly readBody: (most: number) => Promise<Buffer>;
  readonly gone: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Instead of the body: takes the connection over. */
  readonly stream?: (sink: EventSink) => void;
}

export interface ServiceParts extends AnswerParts {
  readonly routes: readonly Route[];
  readonly users: UserDirectory;
  /** Nobody may read without a name. */
  readonly requireAuthentication: boolean;
  readonly events: Pick<EventHub, 'attach'>;
  readonly log: Log;
}

const json = { 'Content-Type': 'application/json' };
const eventStream = 'text/event-stream';
const streamHeaders = { 'Content-Type': eventStream, 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' };

/** Whether the client takes this type; one that says nothing takes all. */
function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  const [family] = type.split('/');
  const ranges = accept.split(',').map((range) => range.split(';')[0]!.trim().toLowerCase());
  return ranges.some((range) => range === '*/*' || range === `${family}/*` || range === type);
}

const unauthorized = () => new HttpError(401, undefined, { 'WWW-Authenticate': `Basic realm="${realm}"` });

/** @throws HttpError 400 for Basic without credentials */
function credentialsOf(authorization: string): readonly [name: string, password: string] | undefined {
  const [scheme = '', encoded] = authorization.trim().split(/\s+/);
  if (scheme.toLowerCase() !== 'basic') return undefined;
  if (encoded === undefined) throw new HttpError(400, 'Basic authentication requires credentials');
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
}

/**
 * The user, or undefined for somebody who needn't say their name.
 * @throws HttpError 401 or 403
 */
function authenticate(
  { route }: Found,
  authorization: string | undefined,
  { users, requireAuthentication }: ServiceParts,
): RapiUser | undefined {
  if (authorization === undefined) {
    if (requireAuthentication || route.access.length > 0) throw unauthorized();
    return undefined;
  }
  const [name, password] = credentialsOf(authorization) ?? [];
  const user = name === undefined ? undefined : users.user(name);
  if (user === undefined || !passwordFits(user, password ?? '')) throw unauthorized();
  if (!mayUse(user, route)) throw new HttpError(403);
  return user;
}

function decodeBody(bytes: Buffer, contentType: string | undefined): unknown {
  if (bytes.length === 0) return null;
  if (contentType?.trim().toLowerCase() !== 'application/json') throw new HttpError(415);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    throw new HttpError(400, 'Unable to parse JSON data');
  }
}

export type Service = (request: HttpRequest) => Promise<HttpAnswer>;

export function errorAnswer(error: HttpError): HttpAnswer {
  return { status: error.status, headers: { ...json, ...error.headers }, body: jsonBytes(errorBody(error)) };
}

function isRead(answer: Answer): answer is Read {
  return answer.kind === 'list' || answer.kind === 'item' || answer.kind === 'read';
}

export function createService(parts: ServiceParts): Service {
  const find = createFinder(parts.routes);
  const reads = new Reads(parts.master, mostRemembered);
  const shared = new SharedReads<Buffer>();

  /** The client goes on listening as long as its user may. */
  const listen = async (found: Found, request: HttpRequest): Promise<HttpAnswer> => {
    if (!accepts(request.accept, eventStream)) throw new HttpError(406);
    const mayListen = () => {
      try {
        authenticate(found, request.authorization, parts);
        return true;
      } catch {
        return false;
      }
    };
    const stream = await parts.events.attach({ lastId: request.lastEventId, mayListen });
    return { status: 200, headers: streamHeaders, body: '', stream };
  };

  const answer = async (request: HttpRequest): Promise<HttpAnswer> => {
    const { method, url, authorization } = request;
    if (parts.requireAuthentication && authorization === undefined) throw unauthorized();
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const found = find(method.toUpperCase(), path, url);
    const user = authenticate(found, authorization, parts);
    const bytes = await request.readBody(user === undefined ? largestAnonymousBody : largestBody);
    const body = decodeBody(bytes, request.contentType);
    const query = parseQuery(mark < 0 ? '' : url.slice(mark + 1));
    const asked: RapiRequest = { names: found.names, query, body, gone: request.gone };
    const kind = found.route.answer;
    if (kind.kind === 'stream') return await listen(found, request);
    const shown = isRead(kind)
      ? await shared.read(url, () => reads.read(kind, path, url, asked))
      : jsonBytes(await answerRequest(kind, asked, parts));
    return { status: 200, headers: json, body: shown };
  };

  const asError = (error: unknown): HttpError => {
    if (error instanceof HttpError) return error;
    if (error instanceof Failure) return asHttpError(error);
    parts.log.error(traceOf(error));
    return new HttpError(500, messageOf(error));
  };

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      return errorAnswer(asError(error));
    }
  };
}
