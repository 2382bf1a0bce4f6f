/**
 * Stops the master daemon at a step of an operation: run on the master's node, it reads the journal as it grows and
 * sends SIGSTOP as soon as the step's first line stands there. What the step does then mostly hasn't begun; all the
 * steps before it are done. Arguments: folder of the journal, file with the daemon's pid, name of the step, which one
 * of that name it is (1 for the first), seconds until it is given up. Prints "watching", then "stopped".
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

const [directory, pidFile, step, which, seconds] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const block = Buffer.alloc(1 << 20);
/** How far each file has been read, and what of its last line wasn't there yet. */
const read = new Map<string, { offset: number; rest: string }>();

const files = () => readdirSync(directory).filter((name) => name.endsWith('.log'));
for (const name of files()) read.set(name, { offset: statSync(join(directory, name)).size, rest: '' });

/** Whole lines that were written since the last look. */
function newLines(name: string): string[] {
  const state = read.get(name) ?? { offset: 0, rest: '' };
  read.set(name, state);
  const file = openSync(join(directory, name), 'r');
  try {
    for (;;) {
      const bytes = readSync(file, block, 0, block.length, state.offset);
      if (bytes === 0) break;
      state.offset += bytes;
      state.rest += block.toString('utf8', 0, bytes);
    }
  } finally {
    closeSync(file);
  }
  const lines = state.rest.split('\n');
  state.rest = lines.pop()!;
  return lines;
}

function isBegun(line: string): boolean {
  const json = / step (\{.*)$/.exec(line)?.[1];
  if (json === undefined) return false;
  const entry = JSON.parse(json) as { kind: string; step?: string };
  return entry.kind === 'begun' && entry.step === step;
}

process.stdout.write('watching\n');
const end = Date.now() + Number(seconds) * 1000;
let left = Number(which);
while (left > 0) {
  if (Date.now() > end) throw new Error(`the step ${step} has not begun`);
  for (const name of files()) left -= newLines(name).filter(isBegun).length;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}
process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGSTOP');
process.stdout.write('stopped\n');
