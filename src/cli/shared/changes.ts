/** What a `modify` command has changed: pairs of a parameter and its new value. */
import { pythonText } from '../output/python-text.ts';
import type { Session } from '../session.ts';

/** Prints the changes; whether there were any. */
export function printChanges(session: Session, kind: string, name: string, changes: unknown): boolean {
  if (!Array.isArray(changes) || changes.length === 0) return false;
  session.print(`Modified ${kind} ${name}`);
  for (const [parameter, value] of changes as [string, unknown][]) {
    session.print(` - ${pythonText(parameter).padEnd(5)} -> ${pythonText(value)}`);
  }
  return true;
}
