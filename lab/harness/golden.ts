/**
 * Recordings of what a real Ganeti printed, and how they are held against a lab. A recording is a list of
 * commands as somebody typed them, each with exit code, standard output and standard error:
 *
 *     ### [node1] $ gnt-instance list
 *     ### exit 0, 0.14 s
 *     --- stdout
 *     Instance Hypervisor OS Primary_node Status Memory
 *     --- stderr
 *     ---
 *
 * What differs from run to run (times, identifiers, addresses, numbers of jobs, column widths that follow from
 * them) is named or squeezed on both sides before they are compared.
 */
import { recorded } from './recorded.ts';

export interface Recording {
  readonly node: string;
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** The text behind `--- NAME` up to the next line of its kind. */
function section(block: string, name: string, end: string): string {
  const from = block.indexOf(`--- ${name}\n`);
  if (from === -1) return '';
  const start = from + `--- ${name}\n`.length;
  const to = block.indexOf(end, start);
  return block.slice(start, to === -1 ? undefined : to);
}

/** Commands of a recording in their order. */
export function parseRecordings(text: string): Recording[] {
  return text
    .split(/^(?=### \[)/m)
    .filter((block) => block.startsWith('### ['))
    .map((block) => {
      const head = /^### \[(\S+)\] \$ (.*)\n### exit (\d+)/.exec(block);
      if (head === null) throw new Error(`not a recording: ${block.slice(0, 80)}`);
      const [, node, command, code] = head;
      return {
        node: node!,
        command: command!,
        code: Number(code),
        stdout: section(block, 'stdout', '--- stderr\n'),
        stderr: section(block, 'stderr', '---\n'),
      };
    });
}

const rules: readonly (readonly [RegExp, string])[] = [
  [/\baa:00:00:[0-9a-f:]{8}\b/g, '<mac>'],
  [/\bJobID: \d+/g, 'JobID: <id>'],
  [/\b(?:10\.77|127\.\d+)\.\d+\.\d+\b/g, '<address>'],
  // Columns are as wide as the widest cell, lists of unordered things in any order.
  [/ {2,}/g, ' '],
  [/[ \t]+$/gm, ''],
];

/** The text as it is compared. @param names what else differs between both sides */
export function comparable(text: string, names: readonly (readonly [string, string])[] = []): string {
  let result = recorded(text);
  for (const [from, to] of names) result = result.replaceAll(from, to);
  for (const [pattern, name] of rules) result = result.replace(pattern, name);
  return result;
}
