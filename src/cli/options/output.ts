/** Options of listings and information: columns, separators, units. */
import { choice, flag, integer, text } from '../optparse/option.ts';

export const noHeaders = flag(['--no-headers'], 'no_headers', "Don't display column headers");
export const separator = text(
  ['--separator'],
  'separator',
  'Separator between output fields (defaults to one space)',
);
export const units = choice(
  ['--units'],
  'units',
  ['h', 'm', 'g', 't'],
  'Specify units for output (one of h/m/g/t)',
);
export const output = text(['-o', '--output'], 'output', 'Comma separated list of output fields', {
  metavar: 'FIELDS',
});
export const verbose = flag(['-v', '--verbose'], 'verbose', 'Increase the verbosity of the operation');
export const roman = flag(['--roman'], 'roman_integers', 'Use roman numbers for positive integers');
export const interval = integer(
  ['--interval'],
  'interval',
  'Number of seconds between repetions of the command',
);
export const filter = flag(
  ['-F', '--filter'],
  'force_filter',
  'Whether command argument should be treated as filter',
);
