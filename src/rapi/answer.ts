/** Carries out what a route says: reads from the master, or fills an opcode and submits it. */
import { assertNever, ErrorCode, Failure } from '../kit/failure.ts';
import { fillOpcode, refuseForbidden } from './fill.ts';
import { HttpError } from './http-error.ts';
import type { Master } from './master.ts';
import { bodyObject, flagArgument, type RapiRequest, textArgument } from './request.ts';
import type { Answer, Item, Listing, Streaming, Submission } from './route.ts';

const nanosecondsPerMillisecond = 1e6;

export interface AnswerParts {
  readonly master: Master;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

type Cells = readonly unknown[];

function mapped(fields: readonly string[], cells: Cells): Record<string, unknown> {
  return Object.fromEntries(fields.map((field, index) => [field, cells[index] ?? null]));
}

/** In Python's order: numbers by value, texts by code point. */
function inOrder(names: readonly (string | number)[]): (string | number)[] {
  return [...names].sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));
}

async function list(answer: Listing, path: string, request: RapiRequest, master: Master): Promise<unknown> {
  if (flagArgument(request.query, 'bulk')) {
    const rows = (await master.call(answer.luxi, answer.args(answer.fields, request))) as Cells[];
    const { adapt = (row) => row } = answer;
    return rows.map((row) => adapt(mapped(answer.fields, row)));
  }
  const rows = (await master.call(answer.luxi, answer.args([answer.nameField], request))) as Cells[];
  const names = rows.map(([name]) => name as string | number);
  return inOrder(names).map((name) => ({ [answer.nameKey]: name, uri: `${path}/${name}` }));
}

async function item(answer: Item, request: RapiRequest, master: Master): Promise<unknown> {
  let rows: Cells[];
  try {
    rows = (await master.call(answer.luxi, answer.args(answer.fields, request))) as Cells[];
  } catch (error) {
    if (error instanceof Failure && error.code === ErrorCode.unknown) throw new HttpError(404);
    throw error;
  }
  const [row] = rows;
  if (row === undefined) throw new HttpError(404);
  const found = mapped(answer.fields, row);
  return answer.adapt === undefined ? found : answer.adapt(found);
}

function reasonTrail(handler: string, request: RapiRequest, now: number): unknown[] {
  const nanoseconds = now * nanosecondsPerMillisecond;
  const said = textArgument(request.query, 'reason', null);
  const user = said === null ? [] : [['gnt:user', said, nanoseconds]];
  return [...user, [`gnt:library:rlib2:${handler}`, '', nanoseconds]];
}

async function submit(answer: Submission, request: RapiRequest, { master, now }: AnswerParts) {
  if (answer.forbidden.length > 0) {
    refuseForbidden(request.query.keys(), answer.forbidden);
    refuseForbidden(Object.keys(bodyObject(request.body)), answer.forbidden);
  }
  const fixed: Record<string, unknown> = { reason: reasonTrail(answer.handler, request, now()) };
  for (const [name, source] of Object.entries(answer.fixed)) fixed[name] = source.read(request);
  // Whether or not the body counts, what the job depends on does.
  const sent = request.body as Readonly<Record<string, unknown>> | null;
  const isObject = typeof sent === 'object' && sent !== null && !Array.isArray(sent);
  const depends = isObject && Object.hasOwn(sent, 'depends') && sent.depends ? { depends: sent.depends } : {};
  const body = { ...answer.body?.(request), ...depends };
  return await master.submit([fillOpcode(answer.opcode, body, { rename: answer.rename, fixed })]);
}

/**
 * The value that the client gets.
 * @param path of the request, without its query
 * @throws HttpError; Failure as the master answered it
 */
export async function answerRequest(
  answer: Exclude<Answer, Streaming>,
  path: string,
  request: RapiRequest,
  parts: AnswerParts,
): Promise<unknown> {
  switch (answer.kind) {
    case 'constant':
      return answer.value;
    case 'list':
      return await list(answer, path, request, parts.master);
    case 'item':
      return await item(answer, request, parts.master);
    case 'opcode':
      return await submit(answer, request, parts);
    case 'read':
    case 'action':
      return await answer.run(request, parts.master);
    default:
      return assertNever(answer);
  }
}
