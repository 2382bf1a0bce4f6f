/**
 * Answers of `Query` as tables: every cell has a status of its own, every field a kind that says how its
 * values are written (cli.FormatQueryResult).
 */
import { formatUnit, type UnitStyle } from '../../kit/units.ts';
import { ExitCode } from '../exit-codes.ts';
import { pythonText } from './python-text.ts';
import { formatTable } from './table.ts';
import { formatTime } from './time.ts';

export interface FieldDefinition {
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly doc: string;
}

/** [status, value]; the value is null unless the status is 0. */
export type Cell = readonly [number, unknown];

export interface QueryAnswer {
  readonly fields: readonly FieldDefinition[];
  readonly data: readonly (readonly Cell[])[];
}

export interface Format {
  readonly text: (value: unknown) => string;
  readonly alignRight: boolean;
}

/** Fields whose values are written in a way of their own. */
export type Formats = Readonly<Record<string, Format>>;

export interface QueryTableOptions {
  readonly separator: string | null;
  readonly header: boolean;
  readonly verbose: boolean;
  /** null: human readable in columns, MiB with a separator. */
  readonly units: string | null;
  readonly formats?: Formats;
}

const normal = 0;
/** [with -v, without] by status (constants.RSS_DESCRIPTION). */
const markers: Readonly<Record<number, readonly [string, string]>> = {
  1: ['(unknown)', '??'],
  2: ['(nodata)', '?'],
  3: ['(unavail)', '-'],
  4: ['(offline)', '*'],
};

/** What stands instead of a value that there isn't. */
export function formatStatus(status: number, verbose: boolean): string {
  const marker = markers[status] ?? ['(unknown)', '??'];
  return marker[verbose ? 0 : 1];
}

export const plain = (text: (value: unknown) => string): Format => ({ text, alignRight: false });

/** Elements of a list with commas between them. */
export const commaList: Format = plain((value) => (value as unknown[]).map(pythonText).join(','));

function formatOf(field: FieldDefinition, units: UnitStyle, formats: Formats): Format {
  const own = formats[field.name];
  if (own !== undefined) return own;
  switch (field.kind) {
    case 'unit':
      return { text: (value) => formatUnit(value as number, units), alignRight: true };
    case 'bool':
      return plain((value) => (value ? 'Y' : 'N'));
    case 'number':
    case 'float':
      return { text: pythonText, alignRight: true };
    case 'timestamp':
      return plain((value) => formatTime(value));
    default:
      return plain(pythonText);
  }
}

/** Names of fields that the master doesn't know. */
export function unknownFields(answer: QueryAnswer): string[] {
  return answer.fields.filter(({ kind }) => kind === 'unknown').map(({ name }) => name);
}

/** The lines of the table. */
export function formatQueryAnswer(answer: QueryAnswer, options: QueryTableOptions): string[] {
  const { separator, header, verbose } = options;
  // The separator "" counts as none here, as in Ganeti.
  const units = (options.units ?? (separator ? 'm' : 'h')) as UnitStyle;
  const formats = answer.fields.map((field) => formatOf(field, units, options.formats ?? {}));
  const rows = answer.data.map((row) =>
    row.map(([status, value], index) =>
      status === normal ? formats[index]!.text(value) : formatStatus(status, verbose),
    ),
  );
  const columns = answer.fields.map(({ title }, index) => ({
    title,
    alignRight: formats[index]!.alignRight,
  }));
  return formatTable(rows, columns, { header, separator });
}

/** 0, or the code that tells scripts of a misspelt field. */
export function exitCodeOfAnswer(answer: QueryAnswer): number {
  return unknownFields(answer).length > 0 ? ExitCode.unknownField : ExitCode.success;
}
