/**
 * A client may say which object it means by a name: its uuid. An object that was removed and made again under
 * the same name while the job waited is another one, and is left alone (cmdlib ExpandInstanceUuidAndName).
 */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import { instanceNamed, nodeNamed } from '../model/lookup.ts';

interface Named {
  readonly uuid: string;
  readonly name: string;
}

const kinds = {
  instance: instanceNamed,
  node: nodeNamed,
} satisfies Record<string, (configuration: Configuration, name: string) => Named>;

type Kind = keyof typeof kinds;

/** Parameters that go together: the one with the name, the one with the uuid, and what they speak of. */
function pairOf(parameter: string): { readonly name: string; readonly kind: Kind } | undefined {
  if (parameter === 'node_uuids') return { name: 'nodes', kind: 'node' };
  const base = /^(.+)_uuid$/.exec(parameter)?.[1];
  if (base === undefined) return undefined;
  if (base === 'instance' || base === 'node') return { name: `${base}_name`, kind: base };
  return /^(?:[ps]node|.+_node)$/.test(base) ? { name: base, kind: 'node' } : undefined;
}

const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** @throws Failure OpPrereqError resource_not_unique for a name that belongs to another object by now */
export function requireExpectedUuids(
  op: Readonly<Record<string, unknown>>,
  configuration: Configuration,
): void {
  for (const [parameter, expected] of Object.entries(op)) {
    const pair = pairOf(parameter);
    if (pair === undefined || expected === null || expected === undefined) continue;
    const names = listed(op[pair.name]);
    for (const [index, uuid] of listed(expected).entries()) {
      const name = names[index];
      if (typeof uuid !== 'string' || typeof name !== 'string') continue;
      const found = kinds[pair.kind](configuration, name);
      if (found.uuid === uuid) continue;
      throw prerequisiteFailure(
        `The ${pair.kind}s UUID '${found.uuid}' does not match the expected UUID '${uuid}' for ${pair.kind} '${found.name}'. Maybe the ${pair.kind} changed since you submitted this job.`,
        ErrorCode.notUnique,
      );
    }
  }
}
