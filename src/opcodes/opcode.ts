/**
 * How an opcode is defined: its id and its parameters, each one line. The check of a submitted opcode,
 * RAPI bodies and the published document come from this definition.
 */
import { ErrorCode, Failure, prerequisiteFailure } from '../kit/failure.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export interface ParameterDefinition<T = unknown> {
  readonly type: t.ParameterType<T>;
  readonly default: T | undefined;
  readonly required: boolean;
  readonly doc: string;
}

/** A parameter that must be given. */
export function required<T>(type: t.ParameterType<T>, doc: string): ParameterDefinition<T> {
  return { type, default: undefined, required: true, doc };
}

/** A parameter with a default. */
export function optional<T>(
  type: t.ParameterType<T>,
  value: NoInfer<T>,
  doc: string,
): ParameterDefinition<T> {
  return { type, default: value, required: false, doc };
}

export type ParameterTable = Readonly<Record<string, ParameterDefinition<never> | ParameterDefinition>>;

/** Parameters of every opcode (opcodes_base.OpCode). */
export const commonParameters = {
  dry_run: optional(t.maybe(t.boolean), null, 'Check only, change nothing'),
  debug_level: optional(t.maybe(t.nonNegative), null, 'Debug level'),
  priority: optional(t.oneOf(-10, 0, 10), 0, 'Opcode priority'),
  depends: optional(t.maybe(v.dependencies), null, 'Job dependencies: pairs of a job id and final statuses'),
  comment: optional(t.maybe(t.string), null, 'Comment'),
  reason: optional(t.maybe(t.listOf(t.anything)), [], 'Reason trail: [source, text, nanoseconds] each'),
} as const;

type ValuesOf<P> = { readonly [K in keyof P]: P[K] extends ParameterDefinition<infer T> ? T : never };

export interface OpcodeDefinition<P extends ParameterTable = ParameterTable> {
  /** OP_INSTANCE_CREATE. */
  readonly id: string;
  /** The parameter that stands in parentheses in summaries: INSTANCE_CREATE(web1). */
  readonly summary?: string;
  readonly doc: string;
  readonly params: P;
}

/** A checked opcode with every default filled in. */
export type OpcodeOf<D> =
  D extends OpcodeDefinition<infer P>
    ? ValuesOf<P> & ValuesOf<typeof commonParameters> & { readonly OP_ID: string }
    : never;

export type AnyOpcode = Readonly<Record<string, unknown>> & { readonly OP_ID: string };

export function opcode<const P extends ParameterTable>(
  definition: OpcodeDefinition<P> & { readonly summary?: keyof P & string },
): OpcodeDefinition<P> {
  return definition;
}

function checked(id: string, name: string, definition: ParameterDefinition, value: unknown): unknown {
  if (value === undefined) {
    if (!definition.required) return definition.default;
    throw prerequisiteFailure(`Required parameter '${id}.${name}' missing`, ErrorCode.invalid);
  }
  if (!definition.type.accepts(value)) {
    throw prerequisiteFailure(`Parameter '${id}.${name}' fails validation`, ErrorCode.invalid);
  }
  return value;
}

/**
 * The opcode with defaults filled in.
 * @throws Failure OpPrereqError wrong_input, naming the parameter
 */
export function parseOpcode<D extends OpcodeDefinition>(definition: D, input: AnyOpcode): OpcodeOf<D> {
  const params: ParameterTable = { ...commonParameters, ...definition.params };
  for (const name of Object.keys(input)) {
    if (name !== 'OP_ID' && !(name in params)) {
      throw new Failure('OpPrereqError', [`Unknown parameter '${definition.id}.${name}'`, ErrorCode.invalid]);
    }
  }
  const result: Record<string, unknown> = { OP_ID: definition.id };
  for (const [name, parameter] of Object.entries(params)) {
    result[name] = checked(definition.id, name, parameter as ParameterDefinition, input[name]);
  }
  return result as OpcodeOf<D>;
}

/** Floats always show a fraction, as Ganeti's do: 30.0. */
function summaryText(definition: OpcodeDefinition, value: unknown): string {
  if (value === null || value === undefined) return 'None';
  const isFloat = definition.params[definition.summary ?? '']?.type.description === t.float.description;
  if (typeof value === 'number') return isFloat && Number.isInteger(value) ? `${value}.0` : `${value}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** "INSTANCE_CREATE(web1)", as job lists show it. */
export function summaryOf(definition: OpcodeDefinition, input: AnyOpcode): string {
  const name = definition.id.replace(/^OP_/, '');
  if (definition.summary === undefined) return name;
  const value = input[definition.summary];
  const text = Array.isArray(value) ? value.join(',') : summaryText(definition, value);
  return `${name}(${text})`;
}
