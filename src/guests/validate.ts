/** Is an OS name with its parameters one that the definition here can install? (backend.ValidateOS) */
import { executionFailure } from '../kit/failure.ts';
import { lookUpDefinition, type OsDefinition, parametersSince, splitVariant } from './definitions.ts';
import { definitionEnvironment } from './environment.ts';
import { runVerify } from './run.ts';

/** Checks that `verify` scripts know (constants.OS_VALIDATE_CALLS). */
const knownChecks: readonly string[] = ['parameters'];

/** What is wrong with the variant in `os`, or nothing. */
function variantFault(definition: OsDefinition, os: string): string | undefined {
  const { variant } = splitVariant(os);
  if (definition.variants.length === 0) {
    return variant === ''
      ? undefined
      : `OS '${definition.name}' does not support variants ('${variant}' passed)`;
  }
  if (variant === '') return `OS name '${os}' must include a variant`;
  return definition.variants.includes(variant)
    ? undefined
    : `OS '${definition.name}' does not support variant '${variant}'`;
}

function parametersFault(definition: OsDefinition, names: readonly string[]): string | undefined {
  const unknown = names.filter((name) => !definition.parameters.some(([known]) => known === name));
  return unknown.length === 0
    ? undefined
    : `The following parameters are not supported by the OS ${definition.name}: ${unknown.join(', ')}`;
}

export interface OsValidation {
  readonly os: string;
  readonly checks: readonly string[];
  readonly osparams: Readonly<Record<string, string>>;
  /** A definition that can't be used is a failure, not an answer. */
  readonly required: boolean;
  readonly forceVariant: boolean;
}

/**
 * True when it may be used, false when it isn't there and needn't be.
 * @throws Failure OpExecError with what is wrong
 */
export async function validateOs(searchPath: readonly string[], wish: OsValidation): Promise<boolean> {
  const unknown = wish.checks.filter((check) => !knownChecks.includes(check));
  if (unknown.length > 0) {
    throw executionFailure(`Unknown checks required for OS ${wish.os}: ${unknown.join(', ')}`);
  }
  const found = await lookUpDefinition(searchPath, splitVariant(wish.os).name);
  if (!found.valid) {
    if (wish.required) throw executionFailure(found.fault);
    return false;
  }
  const { definition } = found;
  const fault =
    (wish.forceVariant ? undefined : variantFault(definition, wish.os)) ??
    (definition.scripts.verify !== null && wish.checks.includes('parameters')
      ? parametersFault(definition, Object.keys(wish.osparams))
      : undefined);
  if (fault !== undefined) throw executionFailure(fault);
  if (Math.max(...definition.apiVersions) < parametersSince) return true;
  await runVerify(definition, wish.checks, definitionEnvironment(definition, wish.os, wish.osparams, 0));
  return true;
}
