/**
 * Writes the manual pages, docs/man/*, from the tables that the programs run on: what a page says of commands and
 * options is what `--help` says.
 *
 *   node tools/manual.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, commonOptions, type Program } from '../src/cli/command.ts';
import type { Option } from '../src/cli/optparse/option.ts';
import { programs } from '../src/cli/programs.ts';
import { queryFields } from '../src/queries/run.ts';
import { introductions } from './manual/introductions.ts';
import { paragraph, plain, section } from './manual/roff.ts';
import { toolPages } from './manual/tool-pages.ts';

export const manualFolder = resolve(import.meta.dirname, '..', 'docs', 'man');

function optionLines({ names, type, metavar, dest, help }: Option): string[] {
  const value = type === undefined ? '' : ` \\fI${plain(metavar ?? dest.toUpperCase())}\\fR`;
  return ['.TP', names.map((name) => `\\fB${plain(name)}\\fR${value}`).join(', '), plain(help)];
}

function commandLines(program: string, name: string, { usage, description, options }: Command): string[] {
  return [
    `.SS "${name}"`,
    `\\fB${plain(`${program} ${name}`)}\\fR ${plain(usage)}`,
    ...paragraph(description.endsWith('.') ? description : `${description}.`),
    ...options.flatMap(optionLines),
  ];
}

function fieldLines(resource: string | undefined): string[] {
  if (resource === undefined) return [];
  return [
    section('FIELDS'),
    ...paragraph(
      'The option -o selects columns by these names; with a plus sign in front they come in addition.',
    ),
    ...queryFields(resource).fields.flatMap(({ name, doc }) => ['.TP', `\\fB${plain(name)}\\fR`, plain(doc)]),
  ];
}

export function manualPage(name: string, program: Program): string {
  const introduction = introductions[name];
  if (introduction === undefined) throw new Error(`tools/manual/introductions.ts says nothing of ${name}`);
  const commands = Object.entries(program.commands).sort(([one], [other]) => (one < other ? -1 : 1));
  const aliases = Object.entries(program.aliases).sort(([one], [other]) => (one < other ? -1 : 1));
  const others = Object.keys(introductions).filter((other) => other !== name);
  return [
    `.TH ${name.toUpperCase()} 8 "" "Gantry" "Cluster administration"`,
    section('NAME'),
    `${plain(name)} \\- ${plain(introduction.purpose)}`,
    section('SYNOPSIS'),
    `\\fB${plain(name)}\\fR {command} [options...] [argument...]`,
    section('DESCRIPTION'),
    ...introduction.paragraphs.flatMap(paragraph),
    ...(aliases.length === 0
      ? []
      : paragraph(
          `Other names of commands: ${aliases.map(([alias, of]) => `${alias} for ${of}`).join(', ')}.`,
        )),
    section('COMMON OPTIONS'),
    ...commonOptions.flatMap((option) => optionLines(option)),
    section('COMMANDS'),
    ...commands.flatMap(([command, definition]) => commandLines(name, command, definition)),
    ...fieldLines(introduction.fieldsOf),
    section('EXIT STATUS'),
    ...paragraph('0 when it was done, 1 when it failed, 2 for a command line that can not be understood.'),
    section('SEE ALSO'),
    plain(others.map((other) => `${other}(8)`).join(', ')),
    '',
  ].join('\n');
}

/** File name to text, of all pages. */
export async function manualPages(): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  for (const [name, load] of Object.entries(programs)) pages.set(`${name}.8`, manualPage(name, await load()));
  for (const [file, text] of toolPages()) pages.set(file, text);
  return pages;
}

if (import.meta.main) {
  mkdirSync(manualFolder, { recursive: true });
  const pages = await manualPages();
  for (const [file, text] of pages) writeFileSync(join(manualFolder, file), text);
  console.log(`docs/man: ${pages.size} pages`);
}
