/** Reading the transcripts of real Ganeti beside this file: what was typed on which node, and what came of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const folder = join(import.meta.dirname, 'transcripts');

export type Step =
  | { readonly kind: 'plug'; readonly verb: 'kill' | 'start'; readonly node: string }
  /** What had to be done in between, and wasn't recorded. */
  | { readonly kind: 'aside'; readonly node: string; readonly command: string }
  | {
      readonly kind: 'command';
      readonly node: string;
      readonly command: string;
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    };

export interface Transcript {
  readonly name: string;
  readonly steps: readonly Step[];
}

const answer = /^### exit (\d+)\n--- stdout\n([\s\S]*?)--- stderr\n([\s\S]*?)---\n*$/;

function stepOf(text: string): Step {
  const head = text.slice(0, text.indexOf('\n'));
  const plug = /^### (kill|start) (node\d)$/.exec(head);
  if (plug !== null) return { kind: 'plug', verb: plug[1] as 'kill' | 'start', node: plug[2]! };
  const typed = /^### \[(node\d)\] ([!$]) (.*)$/.exec(head);
  if (typed === null) throw new Error(`not a step of a transcript: ${head}`);
  const [, node = '', how, command = ''] = typed;
  if (how === '!') return { kind: 'aside', node, command };
  const seen = answer.exec(text.slice(head.length + 1));
  if (seen === null) throw new Error(`not an answer: ${text}`);
  return {
    kind: 'command',
    node,
    command,
    code: Number(seen[1]),
    stdout: seen[2] ?? '',
    stderr: seen[3] ?? '',
  };
}

export function parseTranscript(text: string): Step[] {
  return text.split(/^(?=### (?:\[node|kill |start ))/m).map(stepOf);
}

/** Those whose names begin with one of the words; all of them when none is given. */
export function readTranscripts(names: readonly string[] = []): Transcript[] {
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file, name: basename(file, '.txt') }))
    .filter(({ name }) => names.length === 0 || names.some((word) => name.startsWith(word)))
    .map(({ file, name }) => ({ name, steps: parseTranscript(readFileSync(join(folder, file), 'utf8')) }));
}
