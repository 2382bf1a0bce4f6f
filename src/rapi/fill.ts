/**
 * An opcode from a request: what the body says, under the names that the opcode has, and what the path and the
 * query fix, checked by the opcode's own definition before it is submitted (baserlib.FillOpcode).
 */
import { ErrorCode } from '../kit/failure.ts';
import { pythonRepr, pythonText } from '../kit/python-text.ts';
import {
  type AnyOpcode,
  commonParameters,
  type OpcodeDefinition,
  type ParameterDefinition,
} from '../opcodes/opcode.ts';
import { badRequest, HttpError } from './http-error.ts';
import type { Body } from './request.ts';

/** OP_INSTANCE_SET_PARAMS: OpInstanceSetParams. */
function className(id: string): string {
  return id.replace(/_?([A-Z])([A-Z]*)/g, (_, first: string, rest: string) => first + rest.toLowerCase());
}

/** Names of the body under the opcode's names. */
function renamed(body: Body, rename: Readonly<Record<string, string>>): Map<string, unknown> {
  const params = new Map(Object.entries(body));
  for (const [old, now] of Object.entries(rename)) {
    if (!params.has(old)) continue;
    if (params.has(now)) {
      throw badRequest(`Parameter '${old}' was renamed to '${now}', but both are specified`);
    }
    params.set(now, params.get(old));
    params.delete(old);
  }
  return params;
}

function refuseParameter(id: string, name: string): never {
  const fault = pythonText([`Parameter '${id}.${name}' fails validation`, ErrorCode.invalid]);
  throw badRequest(`Invalid body parameters: (${fault.slice(1, -1)})`);
}

/** A parameter that isn't there counts as null, so a required one fails unless null is fine. */
function check(id: string, name: string, parameter: ParameterDefinition, params: Map<string, unknown>): void {
  if (!params.has(name) && !parameter.required) return;
  if (!parameter.type.accepts(params.get(name) ?? null)) refuseParameter(id, name);
}

export interface Filling {
  readonly rename?: Readonly<Record<string, string>>;
  /** What the request can't set by its body. */
  readonly fixed?: Readonly<Record<string, unknown>>;
}

/** @throws HttpError 400, saying which parameter */
export function fillOpcode(
  definition: OpcodeDefinition,
  body: Body,
  { rename = {}, fixed = {} }: Filling,
): AnyOpcode {
  const params = renamed(body, rename);
  const overwritten = [...params.keys()].filter((name) => Object.hasOwn(fixed, name)).sort();
  if (overwritten.length > 0) {
    throw badRequest(`Can't overwrite static parameters {${overwritten.map(pythonRepr).join(', ')}}`);
  }
  for (const [name, value] of Object.entries(fixed)) params.set(name, value);
  const known: Readonly<Record<string, ParameterDefinition>> = { ...definition.params, ...commonParameters };
  for (const name of params.keys()) {
    if (!Object.hasOwn(known, name)) {
      throw badRequest(
        `Invalid body parameters: Object ${className(definition.id)} doesn't support the parameter '${name}'`,
      );
    }
  }
  for (const [name, parameter] of Object.entries(known)) check(definition.id, name, parameter, params);
  return { ...Object.fromEntries(params), OP_ID: definition.id };
}

/** @throws HttpError 403 when the request sets what must not be set from outside */
export function refuseForbidden(names: Iterable<string>, forbidden: readonly string[]): void {
  for (const name of names) {
    if (forbidden.includes(name)) {
      throw new HttpError(403, `The parameter ${name} cannot be set via RAPI`);
    }
  }
}

/**
 * A negative job id counts back among the jobs that are submitted together; over the remote API each is alone. Ganeti
 * 3.0 counts on into the queue: the job would wait for whichever was submitted before it, by whomever.
 * @throws HttpError 400
 */
export function refuseRelativeDependencies({ OP_ID, depends }: AnyOpcode): void {
  if (!Array.isArray(depends)) return;
  const isRelative = ([job]: readonly unknown[]) => typeof job === 'number' && job < 0;
  if ((depends as (readonly unknown[])[]).some(isRelative)) refuseParameter(OP_ID, 'depends');
}
