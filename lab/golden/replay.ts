/**
 * Types the commands of the transcripts on a cluster of ours, in order, and counts where the answers are those of
 * real Ganeti: `lab/golden/replay [-v] [NAME…]`. The transcripts were recorded one after the other on one cluster, so
 * the ones before those that are named are typed as well.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ProcessResult, runProcess } from '../../src/kit/process.ts';
import { GoldenCluster } from './cluster.ts';
import { comparedText } from './compared-text.ts';
import { readTranscripts, type Step } from './transcripts.ts';

type Command = Step & { kind: 'command' };

const { values, positionals } = parseArgs({
  options: { verbose: { type: 'boolean', short: 'v', default: false } },
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

const scratch = mkdtempSync(join(tmpdir(), 'gantry-replay-'));
/** From this one on they were recorded on another cluster. */
const anew = '18';
const founding = ['01', '02'];

let cluster = await GoldenCluster.up();
try {
  for (const { name, steps } of readTranscripts(positionals)) {
    if (name.startsWith(anew)) {
      await cluster.down();
      cluster = await GoldenCluster.again();
      for (const step of readTranscripts(founding).flatMap((each) => each.steps)) {
        if (step.kind === 'command') await cluster.type(step.node, step.command);
      }
    }
    let equal = 0;
    let all = 0;
    for (const step of steps) {
      if (step.kind === 'plug') {
        await cluster[step.verb](step.node);
        continue;
      }
      const seen = await cluster.type(step.node, step.command);
      if (step.kind === 'aside') continue;
      all += 1;
      const differs = await difference(step, seen);
      if (differs.length === 0) equal += 1;
      else if (values.verbose) console.log([`$ ${step.command}`, ...differs].join('\n'));
    }
    console.log(`${name}: ${equal} of ${all}`);
  }
} finally {
  await cluster.down();
  rmSync(scratch, { recursive: true, force: true });
}
