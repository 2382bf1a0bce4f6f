/** All the tools in one program; the name it is called by says which one. */
import { basename } from 'node:path';
import { hail } from './hail.ts';
import { harep } from './harep.ts';
import { hbal } from './hbal.ts';
import { hcheck } from './hcheck.ts';
import { hinfo } from './hinfo.ts';
import { hroller } from './hroller.ts';
import { hscan } from './hscan.ts';
import { hspace } from './hspace.ts';
import { hsqueeze } from './hsqueeze.ts';
import { type Program, type ProgramContext, processContext, runProgram } from './program.ts';

export const programs: readonly Program[] = [
  hail,
  harep,
  hbal,
  hcheck,
  hinfo,
  hroller,
  hscan,
  hspace,
  hsqueeze,
];

/** Runs the named tool; returns its exit code. */
export async function runTool(
  name: string,
  argv: readonly string[],
  context: ProgramContext = processContext(),
): Promise<number> {
  const program = programs.find((candidate) => candidate.name === name.toLowerCase());
  if (program !== undefined) return await runProgram(program, argv, context);
  const names = programs.map((known) => `  ${known.name}\n`).join('');
  context.err(
    `Unrecognised personality '${name}'.\n` +
      `This program must be installed under one of the following names:\n${names}\n` +
      'Error: Please either rename/symlink the program or set\n' +
      'the environment variable HTOOLS to the desired role.\n',
  );
  return 1;
}

if (import.meta.main) {
  const name = process.env.HTOOLS ?? process.env.GANTRY_PROGRAM ?? basename(process.argv[1] ?? '');
  process.exitCode = await runTool(name, process.argv.slice(2));
}
