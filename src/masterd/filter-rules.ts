/**
 * Job filter rules as clients send them (LUXI ReplaceFilter, man page gnt-filter): checked before they are kept,
 * in the words of Ganeti's daemon, and written into the configuration.
 */
import { randomUUID } from 'node:crypto';
import type { ConfigStore } from '../config/contract.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import type { LuxiRequest } from '../luxi/methods.ts';
import { readFilter } from '../queries/language/filter.ts';

type Request = Extract<LuxiRequest, { method: 'ReplaceFilter' }>;

const predicateNames: readonly unknown[] = ['jobid', 'opcode', 'reason'];
const plainActions: readonly unknown[] = ['ACCEPT', 'CONTINUE', 'PAUSE', 'REJECT'];
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function actionFault(action: unknown): string | undefined {
  if (plainActions.includes(action)) return undefined;
  if (!Array.isArray(action) || action[0] !== 'RATE_LIMIT' || action.length !== 2)
    return `malformed FilterAction JSON: ${JSON.stringify(action)}`;
  const limit: unknown = action[1];
  if (Number.isSafeInteger(limit) && (limit as number) > 0) return undefined;
  return 'RATE_LIMIT argument must be a positive integer';
}

function predicateFault(predicate: unknown): string | undefined {
  if (!Array.isArray(predicate) || typeof predicate[0] !== 'string')
    return `malformed FilterPredicate: ${JSON.stringify(predicate)}`;
  const [name, ...parameters] = predicate as [string, ...unknown[]];
  if (!predicateNames.includes(name) || parameters.length !== 1)
    return `malformed FilterPredicate: bad parameter list for '${name}' predicate: ${JSON.stringify(parameters)}`;
  try {
    readFilter(parameters[0]);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** What is wrong with a rule; undefined when nothing is. */
export function ruleFault(rule: Pick<Request, 'priority' | 'predicates' | 'action'>): string | undefined {
  if (rule.priority < 0) return `Invalid value for non-negative type '${rule.priority}'`;
  for (const predicate of rule.predicates) {
    const fault = predicateFault(predicate);
    if (fault !== undefined) return fault;
  }
  return actionFault(rule.action);
}

/**
 * Makes a rule, or writes the one of that uuid anew; one that isn't there is made with that uuid.
 * @param newestJob the rule's watermark: the highest job id given out
 * @param now seconds since the epoch
 * @returns the rule's uuid
 * @throws Failure ProtocolError for a rule that is none, GenericError for a uuid that is none
 */
export async function replaceRule(
  config: ConfigStore,
  request: Request,
  newestJob: number,
  now: number,
): Promise<string> {
  const { priority, predicates, action, reason } = request;
  const fault = ruleFault(request);
  if (fault !== undefined) {
    const given = JSON.stringify([request.uuid, priority, predicates, action, reason]);
    throw new Failure('ProtocolError', [`Cannot convert value '${given}', error: ${fault}`]);
  }
  const uuid = request.uuid ?? randomUUID();
  if (!uuidPattern.test(uuid)) throw new Failure('GenericError', ['Unable to parse UUID']);
  const known = config.current.filters.get(uuid);
  const trail = [...(reason as readonly unknown[][]), ['luxid', '', Math.round(now * 1e9)]];
  await config.change('filter rule', (draft) =>
    draft.put('filters', {
      uuid,
      serial_no: known?.serial_no ?? 1,
      ctime: known?.ctime ?? now,
      mtime: now,
      tags: [...(known?.tags ?? [])],
      watermark: newestJob,
      priority,
      predicates: predicates as unknown[][],
      action: action as string | (string | number)[],
      reason_trail: trail.map((entry) => [...entry]),
    }),
  );
  return uuid;
}
