/**
 * JSON pointers (RFC 6901) as the configuration daemon reads them: as far as the text is one, and numbers of a list as
 * far as they are digits. Pure.
 */

/** The steps of a pointer; undefined when the text doesn't begin like one. */
function stepsOf(pointer: string): string[] | undefined {
  const steps: string[] = [];
  let rest = pointer;
  for (;;) {
    const found = /^\/((?:[^~/]|~[01])+|$)/.exec(rest);
    if (found === null) break;
    steps.push(found[1]!.replaceAll(/~[01]/g, (escaped) => (escaped === '~1' ? '/' : '~')));
    rest = rest.slice(found[0].length);
  }
  return steps.length === 0 ? undefined : steps;
}

function inside(value: unknown, step: string): unknown {
  if (Array.isArray(value)) {
    const digits = /^\d+/.exec(step)?.[0];
    return digits === undefined ? undefined : (value as unknown[])[Number(digits)];
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string, unknown>)[step];
}

/** What stands there; undefined when nothing does. */
export function valueAt(value: unknown, pointer: string): unknown {
  const steps = stepsOf(pointer);
  return steps?.reduce<unknown>((place, step) => inside(place, step), value);
}
