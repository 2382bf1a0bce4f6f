/** The command line of ovfconverter. */
import * as o from '../options/index.ts';
import { OptionError } from '../optparse/convert.ts';
import { choice, counter, flag, text, type ValuesOf } from '../optparse/option.ts';
import { parseAnywhere } from '../optparse/parser.ts';
import { diskFormats } from './envelope.ts';

export const usage = 'ovfconverter {import|export} <source-cfg-file> [options...]';

export const importOptions = [
  o.backendParameters,
  o.disk,
  o.diskTemplate,
  o.hypervisor,
  o.net,
  o.noNics,
  o.osType,
  o.osParameters,
  o.tags,
] as const;

export const exportOptions = [
  flag(['--compress'], 'compression', 'The exported disks are compressed with gzip'),
  flag(
    ['--external'],
    'ext_usage',
    'The package will be used externally (omits the Ganeti-specific parts of configuration)',
  ),
  choice(['-f', '--format'], 'disk_format', diskFormats, 'Disk format for export (one of raw/cow/vmdk)'),
  flag(['--ova'], 'ova_package', 'Export everything into OVA package'),
] as const;

export const options = [
  counter(['-d', '--debug'], 'debug', 'Increase debugging level'),
  flag(['-v', '--verbose'], 'verbose', 'Increase the verbosity of the operation'),
  text(['-n', '--name'], 'name', 'Name of the instance'),
  text(['--output-dir'], 'output_dir', 'Path to the output directory'),
  ...importOptions,
  ...exportOptions,
] as const;

export type Values = ValuesOf<typeof options>;

export interface CommandLine {
  readonly mode: 'import' | 'export';
  readonly source: string;
  readonly values: Values;
}

const isGiven = (value: unknown) =>
  value !== null &&
  value !== false &&
  value !== '' &&
  (typeof value !== 'object' || Object.keys(value).length > 0);

function refuse(
  mode: string,
  values: Values,
  forbidden: readonly { dest: string; names: readonly string[] }[],
) {
  for (const { dest, names } of forbidden) {
    if (!isGiven(values[dest as keyof Values])) continue;
    throw new OptionError(
      `Argument ${names.find((name) => name.startsWith('--'))} is not allowed in ${mode} mode`,
    );
  }
}

/**
 * @returns 'help' when that was asked for
 * @throws OptionError
 */
export function readCommandLine(words: readonly string[]): CommandLine | 'help' {
  const parsed = parseAnywhere(options, words);
  if (parsed.help) return 'help';
  const values = parsed.values as Values;
  const [mode, source, ...rest] = parsed.args;
  if (source === undefined || rest.length > 0) throw new OptionError('Wrong number of arguments');
  if (mode === 'import') {
    refuse(mode, values, exportOptions);
    if (values.nics.length > 0 && values.no_nics) {
      throw new OptionError('Arguments nics and no_nics exclude each other');
    }
  } else if (mode === 'export') {
    if (values.disk_format === null) throw new OptionError('Argument --format is required for export');
    refuse(mode, values, importOptions);
  } else {
    throw new OptionError("First argument should be either 'import' or 'export'");
  }
  return { mode, source, values };
}
