/**
 * The tools against what Ganeti's own tools answered: on clusters made from seeds (testdata/recorded.json), and on
 * the command lines of Ganeti's own shell tests (testdata/reference). What may differ is listed in
 * testdata/README.md, and here.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { capturedContext } from './captured-context.ts';
import { runTool } from './main.ts';
import { type RecordedAnswer, recordedClusters } from './recorded-cases.ts';

const root = resolve(import.meta.dirname, '../../..');
const reference = join(root, 'src/htools/testdata/reference');
const home = process.cwd();
let folder = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'htools-'));
});
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

async function run(command: string): Promise<{ exit: number; stdout: string; stderr: string }> {
  const [tool, ...args] = command.split(' ').filter((word) => word !== '');
  const context = capturedContext();
  const exit = await runTool(tool!, args, context);
  return { exit, stdout: context.stdout(), stderr: context.stderr() };
}

test('on clusters from seeds the answers are those of the original tools', async () => {
  const file = join(root, 'src/htools/testdata/recorded.json');
  const answers = JSON.parse(readFileSync(file, 'utf8')) as RecordedAnswer[];
  process.chdir(folder);
  let written = '';
  for (const { cluster, command, exit, stdout } of answers) {
    if (written !== cluster) writeFileSync('c.data', recordedClusters[cluster]!());
    written = cluster;
    const answer = await run(command);
    assert.equal(answer.stdout, stdout, `${cluster}: ${command}`);
    assert.equal(answer.exit, exit, `${cluster}: ${command}`);
  }
  assert.ok(answers.length >= 80);
});

interface ReferenceAnswer {
  readonly command: string;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Ours names our version; all else is to be the same. */
function withoutVersion(text: string): string {
  return text
    .replace(/^(\w+ \(ganeti\) version) .*$/m, '$1 …')
    .replace(/^compiled with .*$/m, 'compiled with …');
}

/** A debugging dump of Ganeti's inner values on standard error that ours doesn't have. */
const otherErrors = new Set(['hail -v -v data/hail-alloc-drbd.json']);

/** The two lines that compare two files with a shell; the tool's own part runs here. */
const comparison = / >\/dev\/null 2>&1 && ! diff -q (\S+) (\S+)$/;

async function check(expected: ReferenceAnswer): Promise<void> {
  const { command } = expected;
  const compared = comparison.exec(command);
  const answer = await run(command.replace(comparison, ''));
  if (compared !== null) {
    const [, one, other] = compared;
    assert.equal(answer.exit, 0, command);
    assert.notEqual(readFileSync(one!, 'utf8'), readFileSync(other!, 'utf8'), command);
    return;
  }
  assert.equal(withoutVersion(answer.stdout), withoutVersion(expected.stdout), command);
  assert.equal(answer.exit, expected.exit, command);
  if (!otherErrors.has(command)) {
    assert.equal(withoutVersion(answer.stderr), withoutVersion(expected.stderr), command);
  }
}

test('the reference command lines give the same output, errors and exit codes', async (t) => {
  const copy = join(folder, 'reference');
  mkdirSync(copy);
  for (const part of ['data', 'generated'])
    cpSync(join(reference, part), join(copy, part), { recursive: true });
  process.chdir(copy);
  const lines = readFileSync(join(reference, 'reference.jsonl'), 'utf8').trim().split('\n');
  const compared = join(copy, 'generated');
  // Written by the lines that compare; what was there was written by Ganeti's tools.
  for (const name of ['hail-alloc', 'hail-reloc']) {
    for (const part of ['pre-ialloc', 'post-ialloc']) rmSync(join(compared, `${name}.${part}`));
  }
  for (const line of lines) await check(JSON.parse(line) as ReferenceAnswer);
  assert.equal(lines.length, 231);
  t.diagnostic(`${lines.length} command lines`);
  for (const name of ['hail-alloc', 'hail-reloc']) {
    for (const part of ['pre-ialloc', 'post-ialloc']) {
      const path = `generated/${name}.${part}`;
      assert.equal(readFileSync(path, 'utf8'), readFileSync(join(reference, path), 'utf8'), path);
    }
  }
  await run('hscan -d . file://data/rapi');
  assert.equal(
    readFileSync('file:__data_rapi.data', 'utf8'),
    readFileSync(join(reference, 'generated/hscan/file:__data_rapi.data'), 'utf8'),
  );
});
