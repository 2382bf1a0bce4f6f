/**
 * A session at the shell of a node, written as people read it:
 *
 *     $ gnt-group add rack2           a command
 *     what it prints                  standard output
 *     ! what it complains of          standard error
 *     ? 1                             its exit code, when that isn't 0
 */
import assert from 'node:assert/strict';
import { splitWords } from '../../src/kit/shell-words.ts';
import { recorded } from './recorded.ts';
import type { NodeName, VirtualLab } from './virtual.ts';

export interface Entry {
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Empty lines at both ends are not part of it. */
export function parseTranscript(text: string): Entry[] {
  const entries: { command: string; stdout: string; stderr: string; code: number }[] = [];
  for (const line of text.replace(/^\n+|\n+$/g, '').split('\n')) {
    if (line.startsWith('$ ')) {
      entries.push({ command: line.slice(2), stdout: '', stderr: '', code: 0 });
      continue;
    }
    const entry = entries.at(-1);
    if (entry === undefined) throw new Error(`a transcript begins with a command, not with '${line}'`);
    if (line.startsWith('? ')) entry.code = Number(line.slice(2));
    else if (line.startsWith('! ')) entry.stderr += `${line.slice(2)}\n`;
    else entry.stdout += `${line}\n`;
  }
  return entries;
}

/** Types every command of the session on the node, and compares what is seen with what is written. */
export async function follow(lab: VirtualLab, text: string, node: NodeName = 'node1'): Promise<void> {
  const entries = parseTranscript(text);
  assert.ok(entries.length > 0, 'a transcript without commands proves nothing');
  for (const { command, stdout, stderr, code } of entries) {
    const result = await lab.run(node, splitWords(command));
    const seen = {
      stdout: recorded(result.stdout, lab.directory),
      stderr: recorded(result.stderr, lab.directory),
      code: result.code,
    };
    assert.deepEqual(seen, { stdout, stderr, code }, command);
  }
}
