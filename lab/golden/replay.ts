/**
 * Types the commands of the transcripts on a cluster of ours, in order, and counts where the answers are those of
 * real Ganeti: `lab/golden/replay [-v] [--check|--record] [NAME…]`. `equal.json` has which ones were equal before:
 * `--check` ends with an error when one of them no longer is, or when nothing is known of a transcript; `--record` keeps
 * what is equal now. The transcripts were recorded one after the other on one cluster, so that one alone finds another
 * cluster than it did.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure } from '../../src/kit/failure.ts';
import { type ProcessResult, runProcess } from '../../src/kit/process.ts';
import { GoldenCluster } from './cluster.ts';
import { comparedText } from './compared-text.ts';
import { readTranscripts, type Step } from './transcripts.ts';

type Command = Step & { kind: 'command' };

const { values, positionals } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    verbose: { type: 'boolean', short: 'v', default: false },
  },
  allowPositionals: true,
});

async function changedLines(theirs: string, ours: string): Promise<string[]> {
  const files = [theirs, ours].map((text, index) => {
    const file = join(scratch, `${index}`);
    writeFileSync(file, text);
    return file;
  });
  const { stdout } = await runProcess(['diff', '-U0', ...files]);
  return stdout.split('\n').filter((line) => /^[-+](?!--|\+\+ )/.test(line));
}

/** What Ganeti says is marked with -, what we say with +. */
async function difference(step: Command, seen: ProcessResult): Promise<string[]> {
  const lines = seen.code === step.code ? [] : [`exit code ${seen.code}, not ${step.code}`];
  for (const stream of ['stdout', 'stderr'] as const) {
    const [theirs, ours] = [step[stream], seen[stream]].map((text) => comparedText(step.command, text)) as [
      string,
      string,
    ];
    if (ours !== theirs) lines.push(`${stream}:`, ...(await changedLines(theirs, ours)));
  }
  return lines.map((line) => `  ${line}`);
}

/** Per transcript the places of the commands whose answers are equal. */
const list = join(import.meta.dirname, 'equal.json');
/** @throws Failure when there is nothing to compare with, which only `--record` can do without */
function readEqual(): Record<string, number[]> {
  if (!existsSync(list)) {
    if (!values.check) return {};
    throw new Failure('GenericError', [`${list} is missing: --record writes it`]);
  }
  return JSON.parse(readFileSync(list, 'utf8')) as Record<string, number[]>;
}

const transcripts = readTranscripts(positionals);
const before = readEqual();
const unknown = transcripts.filter(({ name }) => before[name] === undefined).map(({ name }) => name);
if (values.check && (transcripts.length === 0 || unknown.length > 0)) {
  const what =
    transcripts.length === 0 ? 'no transcript has such a name' : `not in ${list}: ${unknown.join(', ')}`;
  throw new Failure('GenericError', [what]);
}

const scratch = mkdtempSync(join(tmpdir(), 'gantry-replay-'));
/** From this one on they were recorded on another cluster. */
const anew = '18';
/** Before this one the recorded nodes were given shared file storage in common. */
const sharing = '06';
const founding = ['01', '02'];

const now: Record<string, number[]> = {};
let lost = 0;

let cluster = await GoldenCluster.up();
try {
  for (const { name, steps } of transcripts) {
    if (name.startsWith(anew)) {
      await cluster.down();
      cluster = await GoldenCluster.again();
      for (const step of readTranscripts(founding).flatMap((each) => each.steps)) {
        if (step.kind === 'command') await cluster.type(step.node, step.command);
      }
    }
    if (name.startsWith(sharing)) cluster.share();
    const equal: number[] = [];
    let index = -1;
    for (const step of steps) {
      if (step.kind === 'plug') {
        await cluster[step.verb](step.node);
        continue;
      }
      const seen = await cluster.type(step.node, step.command);
      if (step.kind === 'aside') continue;
      index += 1;
      const differs = await difference(step, seen);
      const wasEqual = before[name]?.includes(index) === true;
      if (differs.length === 0) equal.push(index);
      else if (values.verbose || (values.check && wasEqual))
        console.log([`$ ${step.command}`, ...differs].join('\n'));
      if (values.check && wasEqual && differs.length > 0) lost += 1;
    }
    now[name] = equal;
    console.log(`${name}: ${equal.length} of ${index + 1}`);
  }
} finally {
  await cluster.down();
  rmSync(scratch, { recursive: true, force: true });
}
if (values.record) writeFileSync(list, `${JSON.stringify({ ...before, ...now })}\n`);
if (lost > 0) {
  console.log(`${lost} answer(s) are no longer Ganeti's`);
  process.exitCode = 1;
}
