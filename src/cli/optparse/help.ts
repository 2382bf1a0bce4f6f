/**
 * Usage and `--help` in the layout of optparse's TitledHelpFormatter: long names first, help texts in a
 * column, everything wrapped to $COLUMNS - 2.
 */
import { fill, wrap } from '../output/wrap.ts';
import type { Option } from './option.ts';
import { takesValue } from './parser.ts';

const widestNames = 24;
const narrowestHelp = 11;

/** Characters in a line: $COLUMNS less two, or 78. */
export function helpWidth(env: Readonly<Record<string, string | undefined>>): number {
  const columns = Number.parseInt(env.COLUMNS ?? '', 10);
  return (Number.isNaN(columns) ? 80 : columns) - 2;
}

function titled(title: string): string {
  return `${title}\n${'='.repeat(title.length)}\n`;
}

/** "Usage" with its line under it. */
export function formatUsage(usage: string): string {
  return `${titled('Usage')}  ${usage}\n`;
}

/** "--output=FIELDS, -o FIELDS". */
export function formatNames(option: Option): string {
  const metavar = option.metavar ?? option.dest.toUpperCase();
  const shown = (name: string, separator: string) =>
    takesValue(option) ? `${name}${separator}${metavar}` : name;
  const long = option.names.filter((name) => name.startsWith('--')).map((name) => shown(name, '='));
  const short = option.names.filter((name) => !name.startsWith('--')).map((name) => shown(name, ' '));
  return [...long, ...short].join(', ');
}

const helpOption: Option = {
  names: ['-h', '--help'],
  dest: 'help',
  action: 'constant',
  default: null,
  help: 'show this help message and exit',
};

function formatOption(option: Option, column: number, width: number): string {
  const names = formatNames(option);
  const nameWidth = column - 2;
  const lines = wrap(option.help, width);
  const rest = lines.slice(1).map((line) => `${' '.repeat(column)}${line}\n`);
  const first = lines[0] ?? '';
  const head =
    names.length > nameWidth
      ? `${names}\n${' '.repeat(column)}${first}\n`
      : `${names.padEnd(nameWidth)}  ${first}\n`;
  return head + rest.join('');
}

/** All of `--help`; `options` without --help itself. */
export function formatHelp(
  usage: string,
  description: string,
  options: readonly Option[],
  width: number,
): string {
  const all = [...options, helpOption];
  const limit = Math.min(widestNames, Math.max(width - 20, 0));
  const column = Math.min(Math.max(...all.map((option) => formatNames(option).length)) + 2, limit);
  const helpColumns = Math.max(width - column, narrowestHelp);
  return [
    `${formatUsage(usage)}\n`,
    `${fill(description, Math.max(width, narrowestHelp))}\n\n`,
    titled('Options'),
    ...all.map((option) => formatOption(option, column, helpColumns)),
  ].join('');
}
