/**
 * The methods of LUXI and their positional arguments (Luxi.hs, and one of our own), decoded into named ones. Where Ganeti's
 * clients leave something out (a null list, the `kill` of CancelJob) it is filled in here.
 */
import { Failure } from '../kit/failure.ts';
import { queryResources } from '../opcodes/values.ts';

interface Argument<T> {
  /** What it must be, for the error. */
  readonly shape: string;
  readonly fits: (value: unknown) => boolean;
  /** From a value that fits. */
  readonly decode: (value: unknown) => T;
  readonly optional: boolean;
  /** What Ganeti's reader says of a value that doesn't fit, where clients show it. */
  readonly fault?: (value: unknown) => string;
}

function argument<T>(shape: string, fits: (value: unknown) => boolean): Argument<T> {
  return { shape, fits, decode: (value) => value as T, optional: false };
}

/** May be null or missing: `otherwise` then. */
function optional<T, D>(inner: Argument<T>, otherwise: D): Argument<T | D> {
  return {
    ...inner,
    optional: true,
    decode: (value) => (value === null || value === undefined ? otherwise : inner.decode(value)),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isJobId = (value: unknown) =>
  (Number.isSafeInteger(value) && (value as number) >= 0) || (isText(value) && /^\d{1,15}$/.test(value));
const listOf = (fits: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(fits);

const resource: Argument<string> = {
  ...argument<string>(
    'something that can be queried',
    (value) => isText(value) && (queryResources as readonly string[]).includes(value),
  ),
  fault: (value) => `Can't parse value '${String(value)}' as neitherQueryTypeLuxi nor QueryTypeOp`,
};
/** Source, text and nanoseconds of each. */
const reasonTrail: Argument<readonly unknown[]> = {
  ...argument<readonly unknown[]>(
    'a list of triples',
    listOf((value) => Array.isArray(value) && value.length === 3),
  ),
  fault: () => 'Unable to read Triple',
};

/** An opcode as it travels: OP_ID and its parameters, checked by whoever takes the job. */
export type RawOpcode = Readonly<Record<string, unknown>>;

const text = argument<string>('a string', isText);
const texts = argument<readonly string[]>('a list of strings', listOf(isText));
const names = optional(texts, [] as readonly string[]);
const flag = argument<boolean>('a boolean', (value) => typeof value === 'boolean');
const whole = argument<number>('an integer', Number.isSafeInteger);
const anything = optional(
  argument<unknown>('anything', () => true),
  null,
);
const list = argument<readonly unknown[]>('a list', Array.isArray);
const opcodes = argument<readonly RawOpcode[]>('a list of opcodes', listOf(isObject));
const jobs = argument<readonly (readonly RawOpcode[])[]>(
  'a list of lists of opcodes',
  listOf(listOf(isObject)),
);
const jobId: Argument<number> = { ...argument<number>('a job id', isJobId), decode: Number };
const jobIds: Argument<readonly number[]> = {
  ...argument<readonly number[]>('a list of job ids', listOf(isJobId)),
  decode: (value) => (value as unknown[]).map(Number),
};
const number = argument<number>('a number', (value) => typeof value === 'number');

/** Method to its arguments in their order. */
const methods = {
  Query: { what: resource, fields: texts, qfilter: anything },
  QueryFields: { what: resource, fields: names },
  QueryNodes: { names, fields: texts, lock: flag },
  QueryGroups: { names, fields: texts, lock: flag },
  QueryNetworks: { names, fields: texts, lock: flag },
  QueryInstances: { names, fields: texts, lock: flag },
  QueryFilters: { uuids: names, fields: texts },
  ReplaceFilter: {
    uuid: optional(text, null),
    priority: whole,
    predicates: list,
    action: anything,
    reason: reasonTrail,
  },
  DeleteFilter: { uuid: text },
  QueryJobs: { ids: optional(jobIds, [] as readonly number[]), fields: texts },
  QueryExports: { nodes: names, lock: flag },
  QueryConfigValues: { fields: texts },
  QueryClusterInfo: {},
  QueryTags: { kind: text, name: optional(text, '') },
  SubmitJob: { job: opcodes },
  SubmitJobToDrainedQueue: { job: opcodes },
  SubmitManyJobs: { ops: jobs },
  WaitForJobChange: { job: jobId, fields: texts, prev_job: anything, prev_log: anything, tmout: number },
  PickupJob: { job: jobId },
  ArchiveJob: { job: jobId },
  AutoArchiveJobs: { age: whole, tmout: whole },
  CancelJob: { job: jobId, kill: optional(flag, false) },
  ChangeJobPriority: { job: jobId, priority: whole },
  SetDrainFlag: { flag },
  /**
   * Not Ganeti's: what has happened since an event that the client knows, or the place of the newest one for a
   * client that knows none. Waits up to `tmout` seconds when nothing has.
   */
  WaitForEvents: { stream: optional(text, null), after: optional(whole, null), tmout: number },
  /** Not Ganeti's: counts for the monitoring daemon (masterd/statistics.ts). */
  QueryStatistics: {},
  /** Seconds since the epoch until which the watcher rests; null ends the pause. */
  SetWatcherPause: { duration: optional(number, null) },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Argument<unknown>>>>>;

export type LuxiMethod = keyof typeof methods;
export type LuxiArguments<M extends LuxiMethod> = {
  readonly [A in keyof (typeof methods)[M]]: (typeof methods)[M][A] extends Argument<infer T> ? T : never;
};
/** A decoded request: `switch` on `method` knows the arguments. */
export type LuxiRequest = {
  [M in LuxiMethod]: { readonly method: M } & LuxiArguments<M>;
}[LuxiMethod];

export const luxiMethods = Object.keys(methods) as readonly LuxiMethod[];

/** Ganeti's reader shows the arguments with what it has against one of them. */
function misfit(
  method: string,
  name: string,
  definition: Argument<unknown>,
  args: readonly unknown[],
  value: unknown,
) {
  if (definition.fault === undefined)
    return new Failure('ProtocolError', [`${method}: argument '${name}' must be ${definition.shape}`]);
  const shown = JSON.stringify(args, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/\[ /g, '[')
    .replace(/ \]/g, ']');
  return new Failure('ProtocolError', [`Cannot convert value '${shown}', error: ${definition.fault(value)}`]);
}

/**
 * A request with its arguments by name.
 * @throws Failure ProtocolError: unknown method, wrong number or shape of arguments
 */
export function decodeRequest(method: unknown, args: unknown): LuxiRequest {
  if (typeof method !== 'string' || !Object.hasOwn(methods, method)) {
    throw new Failure('ProtocolError', [
      `Unable to parse LUXI request method: Invalid string value for type LuxiReq: ${JSON.stringify(method)}`,
    ]);
  }
  const wanted = Object.entries<Argument<unknown>>(methods[method as LuxiMethod]);
  if (!Array.isArray(args)) throw new Failure('ProtocolError', [`${method}: arguments must be a list`]);
  if (args.length > wanted.length) {
    throw new Failure('ProtocolError', [
      `${method}: takes ${wanted.length} argument(s), ${args.length} were given`,
    ]);
  }
  const request: Record<string, unknown> = { method };
  wanted.forEach(([name, definition], index) => {
    const value: unknown = args[index];
    const left = definition.optional && (value === null || value === undefined);
    if (!left && !definition.fits(value)) throw misfit(method, name, definition, args, value);
    request[name] = definition.decode(value);
  });
  return request as unknown as LuxiRequest;
}
