/** Every option of the tools once; a program lists the names of those it takes, in the order of its help. */
import { splitText } from '../load/scan.ts';
import { clusterSettings, sources } from './options/data.ts';
import { type Definition, flag, maybe, valued } from './options/kinds.ts';
import { searches } from './options/searches.ts';
import { jobs, maintenance, output } from './options/work.ts';

export const genericOptions: readonly Definition[] = [
  flag(['V', 'version'], 'show the version of the program', (o) => {
    o.showVersion = true;
  }),
  flag(['h', 'help'], 'show help', (o) => {
    o.showHelp = true;
  }),
  flag(['', 'help-completion'], 'show completion info', (o) => {
    o.showCompletion = true;
  }),
];

/** All options by name; `socket` is the LUXI path shown in the help. */
export function optionDefinitions(socket: string) {
  return {
    ...sources(socket),
    ...searches,
    ...clusterSettings,
    ...maintenance,
    ...jobs,
    ...output,
  } satisfies Record<string, Definition>;
}

export type OptionName = keyof ReturnType<typeof optionDefinitions>;

/** Options beyond Ganeti's; they stay out of the listing that tools compare. */
export const furtherOptions = {
  verbose: output.verbose,
  explain: maybe(
    ['', 'explain', 'INSTS'],
    'say on standard error for the given instances, or for what found no place, which nodes refused and why',
    'none',
    (o, v) => {
      o.explain = v === undefined ? [] : splitText(v, ',');
    },
  ),
  volumeGroup: valued(
    ['', 'volume-group', 'NAME'],
    'take the disks of new instances from this volume group instead of the main one',
    'string',
    (o, v) => {
      o.volumeGroup = v;
    },
  ),
} satisfies Record<string, Definition>;

export type FurtherOptionName = keyof typeof furtherOptions;
