/** Writes src/htools/testdata/recorded.json from Ganeti's own tools; needs them installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type RecordedAnswer,
  recordedCases,
  recordedClusters,
} from '../../src/htools/programs/recorded-cases.ts';
import { ganetiTool } from './ganeti-tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'htools-record-'));
const answers: RecordedAnswer[] = recordedCases.map(({ cluster, command }) => {
  const [name, ...args] = command.split(' ');
  const program = ganetiTool(name!);
  if (program === undefined) throw new Error(`Ganeti's ${name} is not installed`);
  writeFileSync(join(folder, 'c.data'), recordedClusters[cluster]!());
  const { status, stdout } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  return { cluster, command, exit: status ?? -1, stdout };
});
rmSync(folder, { recursive: true });
const file = resolve(import.meta.dirname, '../../src/htools/testdata/recorded.json');
writeFileSync(file, `[\n${answers.map((answer) => JSON.stringify(answer)).join(',\n')}\n]\n`);
console.log(`recorded ${answers.length} answers`);
