/**
 * A family of parameters: names, types, defaults and titles in one table, and how values are inherited
 * through the levels (cluster, group, node, instance). Hypervisor, back-end, NIC, node and disk
 * parameters are all families.
 */
import { Failure } from '../../kit/failure.ts';
import { parseUnit } from '../../kit/units.ts';
import type { ParameterValue } from '../objects/common.ts';

/** constants.VTYPE_*: how a value is written and enforced. */
export type ParameterType = 'string' | 'maybe-string' | 'bool' | 'size' | 'int' | 'maybe-int' | 'float';

export interface ParameterDefinition {
  readonly type: ParameterType;
  /** What holds when no level says otherwise. */
  readonly default: ParameterValue;
  /** Title of the query field, where it differs from the name. */
  readonly title?: string;
  /** One sentence for help and manual. */
  readonly doc?: string;
  /** The only values it may have. */
  readonly choices?: readonly string[];
  /** Must not be empty. */
  readonly required?: boolean;
  /** Says what is wrong with a (typed) value, or nothing. Runs anywhere: no I/O. */
  readonly check?: (value: ParameterValue) => string | undefined;
  /** Names something that must be there on the node that uses it; checked there. */
  readonly onNode?: 'file' | 'directory' | 'file-or-url';
  /** Global parameters stand at cluster level only. */
  readonly global?: boolean;
}

export type ParameterFamily = Readonly<Record<string, ParameterDefinition>>;
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** The word that takes a value back to what is inherited (constants.VALUE_DEFAULT). */
export const valueDefault = 'default';

export function defaultsOf(family: ParameterFamily): Record<string, ParameterValue> {
  return Object.fromEntries(Object.entries(family).map(([name, definition]) => [name, definition.default]));
}

/** Later levels win; a level that is missing changes nothing (objects.FillDict). */
export function fillParameters(
  ...levels: readonly (ParameterValues | null | undefined)[]
): Record<string, ParameterValue> {
  return Object.assign({}, ...levels.map((level) => level ?? {})) as Record<string, ParameterValue>;
}

function wrong(name: string, value: unknown, type: string): Failure {
  return new Failure('TypeEnforcementError', [`'${name}' (value ${String(value)}) is not a valid ${type}`]);
}

function toBoolean(name: string, value: ParameterValue): boolean {
  if (typeof value === 'boolean') return value;
  const word = String(value ?? '').toLowerCase();
  if (word === 'true' || word === 'yes') return true;
  if (word === 'false' || word === 'no' || word === '') return false;
  throw wrong(name, value, 'boolean');
}

function toInteger(name: string, value: ParameterValue): number {
  const number =
    typeof value === 'number' ? value : /^[+-]?\d+$/.test(String(value).trim()) ? Number(value) : Number.NaN;
  if (!Number.isInteger(number)) throw wrong(name, value, 'integer');
  return number;
}

/**
 * The value in the parameter's own type (utils.ForceDictType).
 * @throws Failure TypeEnforcementError
 */
export function enforceType(name: string, type: ParameterType, value: ParameterValue): ParameterValue {
  switch (type) {
    case 'bool':
      return toBoolean(name, value);
    case 'int':
      return toInteger(name, value);
    case 'maybe-int':
      return value === null || value === 'none' ? null : toInteger(name, value);
    case 'float': {
      const number = Number(value);
      if (value === '' || Number.isNaN(number)) throw wrong(name, value, 'float');
      return number;
    }
    case 'size':
      if (typeof value === 'number') return value;
      try {
        return parseUnit(String(value));
      } catch {
        throw new Failure('TypeEnforcementError', [
          `'${name}' (value ${String(value)}) is not a valid size. error: Invalid format`,
        ]);
      }
    case 'maybe-string':
    case 'string':
      if (typeof value === 'string') return value;
      if (type === 'maybe-string' && value === null) return null;
      if (value === false || value === null) return '';
      throw wrong(name, value, 'string');
  }
}

/**
 * Checks names and brings values into their types; the value "default" stays as it is.
 * @throws Failure TypeEnforcementError for an unknown name or a value of the wrong type
 */
export function enforceTypes(
  family: ParameterFamily,
  values: ParameterValues,
): Record<string, ParameterValue> {
  const result: Record<string, ParameterValue> = {};
  for (const [name, value] of Object.entries(values)) {
    const definition = family[name];
    if (definition === undefined) throw new Failure('TypeEnforcementError', [`Unknown parameter '${name}'`]);
    result[name] = value === valueDefault ? value : enforceType(name, definition.type, value);
  }
  return result;
}

/** The level `own` after a user's change: "default" takes a value away, anything else sets it. */
export function changeLevel(own: ParameterValues, change: ParameterValues): Record<string, ParameterValue> {
  const result: Record<string, ParameterValue> = { ...own };
  for (const [name, value] of Object.entries(change)) {
    if (value === valueDefault) delete result[name];
    else result[name] = value;
  }
  return result;
}

/** The first thing that is wrong with filled values: a choice not offered, a missing value, a failed check. */
export function findFault(family: ParameterFamily, values: ParameterValues): string | undefined {
  for (const [name, definition] of Object.entries(family)) {
    const value = values[name];
    if (value === undefined) continue;
    if (definition.required && (value === '' || value === null))
      return `Parameter '${name}' is required but not defined`;
    if (value === '' || value === null) continue;
    if (definition.choices !== undefined && !definition.choices.includes(String(value))) {
      return `Parameter '${name}' fails validation: must be one of ${definition.choices.join(', ')} (current value: '${String(value)}')`;
    }
    const fault = definition.check?.(value);
    if (fault !== undefined)
      return `Parameter '${name}' fails validation: ${fault} (current value: '${String(value)}')`;
  }
  return undefined;
}
