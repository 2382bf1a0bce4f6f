/** The `list` and `list-fields` commands of every noun (cli.GenericList, cli.GenericListFields). */
import { ExitCode } from '../exit-codes.ts';
import {
  exitCodeOfAnswer,
  type Formats,
  formatQueryAnswer,
  type QueryAnswer,
  unknownFields,
} from '../output/query-table.ts';
import { formatTable } from '../output/table.ts';
import type { Session } from '../session.ts';
import { both, type Filter, filterOf } from './query-filter.ts';

export interface ListOptions {
  readonly no_headers: boolean;
  readonly separator: string | null;
  readonly output: string | null;
  readonly verbose: boolean;
  readonly units?: string | null;
  readonly force_filter?: boolean;
}

export interface Listing {
  /** What Query knows: "instance", "node"… */
  readonly resource: string;
  readonly fields: readonly string[];
  readonly formats?: Formats;
  /** Field that bare arguments are compared with. */
  readonly nameField?: string;
  /** Its values are numbers. */
  readonly numeric?: boolean;
  /** Besides the names. */
  readonly filter?: Filter;
}

/** `-o` as a list: instead of the usual fields, or after them with a leading "+" (cli.ParseFields). */
export function selectedFields(output: string | null, usual: readonly string[]): string[] {
  if (output === null) return [...usual];
  return output.startsWith('+') ? [...usual, ...output.slice(1).split(',')] : output.split(',');
}

function warnUnknown(session: Session, answer: QueryAnswer): void {
  const unknown = unknownFields(answer);
  if (unknown.length > 0) session.warn(`Warning: Queried for unknown fields ${unknown.join(', ')}`);
}

/** Prints the table; 14 when a field doesn't exist, otherwise 0. */
export async function list(
  session: Session,
  listing: Listing,
  options: ListOptions,
  args: readonly string[],
): Promise<number> {
  const names = await filterOf(args, {
    field: listing.nameField ?? 'name',
    numeric: listing.numeric ?? false,
    forced: options.force_filter ?? false,
  });
  const filter = both(names, listing.filter ?? null);
  const answer = (await session.call('Query', [listing.resource, listing.fields, filter])) as QueryAnswer;
  warnUnknown(session, answer);
  session.printLines(
    formatQueryAnswer(answer, {
      separator: options.separator,
      header: !options.no_headers,
      verbose: options.verbose,
      units: options.units ?? null,
      ...(listing.formats === undefined ? {} : { formats: listing.formats }),
    }),
  );
  return exitCodeOfAnswer(answer);
}

const kindNames: Readonly<Record<string, string>> = {
  unknown: 'Unknown',
  text: 'Text',
  bool: 'Boolean',
  number: 'Number',
  float: 'Floating-point number',
  unit: 'Storage size',
  timestamp: 'Timestamp',
  other: 'Custom',
};

/** Names, kinds, titles and descriptions of the fields of a resource; all of them without arguments. */
export async function listFields(
  session: Session,
  resource: string,
  options: Pick<ListOptions, 'no_headers' | 'separator'>,
  args: readonly string[],
): Promise<number> {
  const { fields } = (await session.call('QueryFields', [resource, args])) as Pick<QueryAnswer, 'fields'>;
  const answer: QueryAnswer = { fields, data: [] };
  warnUnknown(session, answer);
  const columns = ['Name', 'Type', 'Title', 'Description'].map((title) => ({ title, alignRight: false }));
  const rows = fields.map(({ name, kind, title, doc }) => [name, kindNames[kind] ?? kind, title, doc]);
  session.printLines(
    formatTable(rows, columns, { header: !options.no_headers, separator: options.separator }),
  );
  return unknownFields(answer).length > 0 ? ExitCode.unknownField : ExitCode.success;
}
