/**
 * Secrets stay in memory: job files, the journal and job listings show "<redacted>" in their place, as
 * Ganeti does for private and secret OS parameters. A job that is still queued when the master
 * restarts has therefore lost them, and says so when its turn comes.
 */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import type { OpcodeDefinition } from '../opcodes/opcode.ts';

export const redacted = '<redacted>';

/** Names of parameters whose values are secrets, wherever they stand. */
export type SecretNames = ReadonlySet<string>;

/** What every definition calls a secret, and Ganeti's two names, which also occur inside other parameters. */
export function secretNamesOf(definitions: Iterable<OpcodeDefinition>): SecretNames {
  const names = new Set(['osparams_private', 'osparams_secret']);
  for (const definition of definitions) {
    for (const [name, parameter] of Object.entries(definition.params)) {
      if (parameter.type.secret === true) names.add(name);
    }
  }
  return names;
}

/** Keys stay, values go. */
function blacken(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map(blacken);
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, blacken(inner)]));
  }
  return redacted;
}

/** A copy without secrets; the same value when there are none in it. */
export function redact<T>(value: T, secrets: SecretNames): T {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => redact(item, secrets));
    return items.some((item, i) => item !== value[i]) ? (items as T) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, inner] of Object.entries(value)) {
    const clean = secrets.has(key) ? blacken(inner) : redact(inner as unknown, secrets);
    const isSame = clean === inner || (secrets.has(key) && JSON.stringify(clean) === JSON.stringify(inner));
    if (isSame) continue;
    copy ??= { ...(value as Record<string, unknown>) };
    copy[key] = clean;
  }
  return (copy ?? value) as T;
}

function hasRedacted(value: unknown): boolean {
  if (value === redacted) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasRedacted);
}

/** @throws Failure OpPrereqError when a secret is no longer there */
export function requireSecrets(value: unknown, secrets: SecretNames): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (secrets.has(key) && hasRedacted(inner)) {
      throw prerequisiteFailure('Please re-submit secret parameters to job.', ErrorCode.invalid);
    }
    requireSecrets(inner, secrets);
  }
}
