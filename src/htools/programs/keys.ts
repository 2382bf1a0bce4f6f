/** Machine-readable output: shell variables, one a line. */
import type { ProgramContext } from './program.ts';

function quotedWhenNeeded(value: string): string {
  return /^[\p{L}\p{N}.]*$/u.test(value) ? value : `'${value}'`;
}

export function printKeys(
  context: ProgramContext,
  prefix: string,
  pairs: readonly (readonly [key: string, value: string])[],
): void {
  for (const [key, value] of pairs) {
    context.out(`${prefix}_${key.toUpperCase()}=${quotedWhenNeeded(value)}\n`);
  }
}

/** The last line of complete output. */
export function printFinal(context: ProgramContext, prefix: string, machineReadable: boolean): void {
  if (machineReadable) printKeys(context, prefix, [['OK', '1']]);
}
