/** All the tools in one program; the variable HTOOLS says which one, else the name it is called by. */
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

/** Text in lines that fit the width, as far as words do. */
function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

const terminalWidth = 79;

/** The tools and what they are for, in two columns. */
function toolList(): string {
  const width = Math.max(...programs.map(({ name }) => name.length));
  return programs
    .flatMap(({ name, purpose }) =>
      folded(purpose, terminalWidth - width - 4).map(
        (line, index) => ` ${(index === 0 ? name : '').padEnd(width)} ${index === 0 ? '-' : ' '} ${line}\n`,
      ),
    )
    .join('');
}

/** Runs the named tool; returns its exit code. */
export async function runTool(
  name: string,
  argv: readonly string[],
  context: ProgramContext = processContext(),
): Promise<number> {
  const program = programs.find((candidate) => candidate.name === name.toLowerCase());
  if (program !== undefined) return await runProgram(program, argv, context);
  context.err(
    `Unrecognised personality '${name}'.\n` +
      `This program must be installed under one of the following names:\n${toolList()}\n` +
      'Error: Please either rename/symlink the program or set\n' +
      'the environment variable HTOOLS to the desired role.\n',
  );
  return 1;
}

if (import.meta.main) {
  const name = process.env.HTOOLS ?? process.env.GANTRY_PROGRAM ?? basename(process.argv[1] ?? '');
  process.exitCode = await runTool(name, process.argv.slice(2));
}
