/** Carries out what a route says other than a read: fills an opcode and submits it, or what stands in the route. */
import { assertNever } from '../kit/failure.ts';
import { fillOpcode, refuseForbidden, refuseRelativeDependencies } from './fill.ts';
import type { Master } from './master.ts';
import type { Read } from './reads.ts';
import { bodyObject, type RapiRequest, textArgument } from './request.ts';
import type { Answer, Streaming, Submission } from './route.ts';

const nanosecondsPerMillisecond = 1e6;

export interface AnswerParts {
  readonly master: Master;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
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
  const opcode = fillOpcode(answer.opcode, body, { rename: answer.rename, fixed });
  refuseRelativeDependencies(opcode);
  return await master.submit([opcode]);
}

/**
 * The value that the client gets.
 * @throws HttpError; Failure as the master answered it
 */
export async function answerRequest(
  answer: Exclude<Answer, Streaming | Read>,
  request: RapiRequest,
  parts: AnswerParts,
): Promise<unknown> {
  switch (answer.kind) {
    case 'constant':
      return answer.value;
    case 'opcode':
      return await submit(answer, request, parts);
    case 'action':
      return await answer.run(request, parts.master);
    default:
      return assertNever(answer);
  }
}
