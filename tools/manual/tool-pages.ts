/** Manual pages of the balancing tools, which htools holds, and of ganeti-listrunner. */
import { listRunnerOptions, listRunnerUsage } from '../../src/cli/listrunner/options.ts';
import { programs } from '../../src/htools/programs/main.ts';
import {
  furtherOptions,
  genericOptions,
  optionDefinitions,
} from '../../src/htools/programs/option-definitions.ts';
import { paragraph, plain, section } from './roff.ts';

interface Page {
  readonly name: string;
  readonly section: 1 | 8;
  readonly purpose: string;
  readonly synopsis: string;
  readonly paragraphs: readonly string[];
  /** How an option is written, and what it is for. */
  readonly options: readonly (readonly [string, string])[];
  readonly others: readonly string[];
}

function pageText({ name, section: number, purpose, synopsis, paragraphs, options, others }: Page): string {
  return [
    `.TH ${name.toUpperCase()} ${number} "" "Gantry" "Cluster administration"`,
    section('NAME'),
    `${plain(name)} \\- ${plain(purpose)}`,
    section('SYNOPSIS'),
    `\\fB${plain(name)}\\fR ${plain(synopsis)}`,
    section('DESCRIPTION'),
    ...paragraphs.flatMap(paragraph),
    ...(options.length === 0 ? [] : [section('OPTIONS')]),
    ...options.flatMap(([written, help]) => ['.TP', `\\fB${plain(written)}\\fR`, plain(help)]),
    section('SEE ALSO'),
    plain(others.join(', ')),
    '',
  ].join('\n');
}

type Definition = (typeof genericOptions)[number];

function written({ short, long, value }: Definition): string {
  const label =
    value.kind === 'none' ? '' : value.kind === 'required' ? `=${value.label}` : `[=${value.label}]`;
  return [...(short === '' ? [] : [`-${short}`]), ...(long === '' ? [] : [`--${long}${label}`])].join(', ');
}

function balancingPages(): Page[] {
  const known = optionDefinitions('/var/run/ganeti/socket/ganeti-query');
  const names = ['htools', ...programs.map(({ name }) => name)];
  const others = (name: string) => names.filter((other) => other !== name).map((other) => `${other}(1)`);
  const each = programs.map(({ name, purpose, options, further = [] }): Page => {
    const definitions: Definition[] = [
      ...options.map((option) => known[option]),
      ...further.map((option) => furtherOptions[option]),
      ...genericOptions,
    ];
    return {
      ...{ name, section: 1, purpose, synopsis: '[options...]', others: others(name) },
      paragraphs: [`One of the tools of htools(1): ${purpose}.`],
      options: definitions.map((definition) => [written(definition), definition.help]),
    };
  });
  const whole: Page = {
    name: 'htools',
    section: 1,
    purpose: 'tools for placing instances and balancing clusters',
    synopsis: '[options...]',
    paragraphs: [
      'All the tools in one program. The environment variable HTOOLS says which one is meant; without it, the name by which the program is called.',
      ...programs.map(({ name, purpose }) => `${name}: ${purpose}.`),
    ],
    options: [],
    others: others('htools'),
  };
  return [whole, ...each];
}

const listRunner: Page = {
  name: 'ganeti-listrunner',
  section: 8,
  purpose: 'run a program or a line of shell on many hosts',
  synopsis: listRunnerUsage,
  paragraphs: [
    'Connects to every host by ssh, several at a time, makes a folder there that only the user can enter, copies the program and the files into it, runs the program or the command in it, and removes it again. What was said on a host stands in HOST.log in the log folder.',
    "The password is asked for once; with -A keys are used instead. A host that ssh doesn't know yet is trusted the first time; one whose key has changed is refused.",
    'The last line counts the hosts on which all went well, that is, the command ended with 0, and the others. The exit status is 0 unless the run was broken off.',
  ],
  options: listRunnerOptions.map(({ names, metavar, help }) => [
    names.map((name) => (metavar === undefined ? name : `${name} ${metavar}`)).join(', '),
    help,
  ]),
  others: ['ssh(1)', 'gnt-cluster(8)'],
};

/** File name to text. */
export function toolPages(): ReadonlyMap<string, string> {
  return new Map(
    [...balancingPages(), listRunner].map((page) => [`${page.name}.${page.section}`, pageText(page)]),
  );
}
