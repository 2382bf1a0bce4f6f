/** The list of a program's commands, and the usage of one (cli._FormatUsage). */
import type { Command, Program } from './command.ts';
import { wrap } from './output/wrap.ts';

const lineWidth = 79;
const widestName = 60;

/** What a program prints when it is called without a command. */
export function formatCommandList(name: string, program: Program): string[] {
  const names = Object.keys(program.commands).sort();
  const width = Math.min(widestName, Math.max(...names.map(({ length }) => length)));
  const commands = names.flatMap((command) => {
    const [first = '', ...rest] = wrap(program.commands[command]!.description, lineWidth - 3 - width);
    return [` ${command.padEnd(width)} - ${first}`, ...rest.map((line) => ` ${' '.repeat(width)}   ${line}`)];
  });
  return [
    `Usage: ${name} {command} [options...] [argument...]`,
    `${name} <command> --help to see details, or man ${name}`,
    '',
    'Commands:',
    ...commands,
    '',
  ];
}

/** "gnt-node add [-s ip] … <node-name>". */
export function usageOf(program: string, name: string, command: Command): string {
  return `${program} ${name} ${command.usage}`;
}
