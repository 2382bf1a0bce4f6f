/** gnt-job list, list-fields and info. */
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { formatLogMessage } from '../../jobs/wait.ts';
import * as o from '../../options/index.ts';
import { formatInfo, Inline, type PairEntry, Pairs, pairs } from '../../output/info.ts';
import type { QueryAnswer } from '../../output/query-table.ts';
import { formatTimestamp, isTimestamp } from '../../output/time.ts';
import {
  list as listResource,
  listFields as listResourceFields,
  selectedFields,
} from '../../shared/listing.ts';
import { anyOf } from '../../shared/query-filter.ts';
import { jobFormats, jobIdOf } from './selection.ts';

export const list = command({
  arguments: [many('jobid')],
  options: [
    o.noHeaders,
    o.separator,
    o.output,
    o.verbose,
    o.filter,
    o.pending,
    o.running,
    o.error,
    o.finished,
    o.archived,
  ],
  usage: '[<job-id>...]',
  description:
    'Lists the jobs and their status. The available fields can be shown using the "list-fields" command (see the man page for details). The default field list is (in order): id, status, summary.',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, ['id', 'status', 'summary']);
    if (options.archived && !fields.includes('archived')) fields.push('archived');
    const listing = {
      resource: 'job',
      fields,
      formats: jobFormats,
      nameField: 'id',
      numeric: true,
      filter: anyOf('status', options.status_filter),
    };
    return await listResource(session, listing, options, args);
  },
});

export const listFields = command({
  arguments: [many('unknown')],
  options: [o.noHeaders, o.separator],
  usage: '[<fields>...]',
  description: 'Lists all available fields for jobs',
  run: async (session, options, args) => await listResourceFields(session, 'job', options, args),
});

const microsecondsPerSecond = 1e6;

/** Seconds between two timestamps with six digits. */
function seconds(from: unknown, to: unknown): string | undefined {
  if (!isTimestamp(from) || !isTimestamp(to)) return undefined;
  return (to[0] - from[0] + (to[1] - from[1]) / microsecondsPerSecond).toFixed(6);
}

function jobTime(label: string, time: unknown, before?: unknown): PairEntry {
  if (time === null || time === undefined) return [label, 'unknown (None)', 'job'];
  const passed = seconds(before, time);
  const delta = passed === undefined ? '' : ` (delta ${passed}s)`;
  return [label, `${formatTimestamp(time)}${delta}`, 'job'];
}

function opcodeTime(label: string, time: unknown): PairEntry {
  return [label, isTimestamp(time) ? formatTimestamp(time) : 'N/A', 'opcode'];
}

/** Values of a job that belong to one opcode, by field. */
interface OpcodeValues {
  readonly input: Readonly<Record<string, unknown>>;
  readonly result: unknown;
  readonly status: unknown;
  readonly log: readonly (readonly [number, unknown, string, unknown])[];
  readonly times: readonly [unknown, unknown, unknown];
}

function opcodeInfo(opcode: OpcodeValues): Pairs {
  const [start, execution, end] = opcode.times;
  const log = opcode.log.map(([serial, time, type, message]) =>
    pairs(
      ['Time', formatTimestamp(time)],
      ['Content', new Inline([serial, type, formatLogMessage(type, message)])],
    ),
  );
  return pairs(
    ['Opcode', opcode.input.OP_ID],
    ['Status', opcode.status],
    opcodeTime('Processing start', start),
    opcodeTime('Execution start', execution),
    opcodeTime('Processing end', end),
    ['Input fields', opcode.input],
    ['Result', opcode.result],
    ['Execution log', log],
  );
}

const infoFields = [
  'id',
  'status',
  'ops',
  'opresult',
  'opstatus',
  'oplog',
  'opstart',
  'opexec',
  'opend',
  'received_ts',
  'start_ts',
  'end_ts',
];

function jobInfo(values: Readonly<Record<string, unknown>>): Pairs {
  const column = (field: string) => (values[field] ?? []) as unknown[];
  const opcodes = column('ops').map((input, index) =>
    opcodeInfo({
      input: input as OpcodeValues['input'],
      result: column('opresult')[index],
      status: column('opstatus')[index],
      log: (column('oplog')[index] ?? []) as OpcodeValues['log'],
      times: [column('opstart')[index], column('opexec')[index], column('opend')[index]],
    }),
  );
  const total = seconds(values.received_ts, values.end_ts);
  return new Pairs([
    ['Job ID', values.id],
    ['Status', values.status],
    jobTime('Received', values.received_ts),
    jobTime('Processing start', values.start_ts, values.received_ts),
    jobTime('Processing end', values.end_ts, values.start_ts),
    ['Total processing time', total === undefined ? 'N/A' : `${total} seconds`],
    ['Opcodes', opcodes],
  ]);
}

export const info = command({
  arguments: [many('jobid', 1)],
  options: [],
  usage: '<job-id> [<job-id>...]',
  description: 'Show detailed information about the specified jobs',
  run: async (session, _options, args) => {
    const filter = anyOf('id', args.map(jobIdOf));
    const { data } = (await session.call('Query', ['job', infoFields, filter])) as QueryAnswer;
    const jobs = data.map((row) => {
      const values = Object.fromEntries(infoFields.map((field, index) => [field, row[index]![1]]));
      return row[1]![0] === 0 ? jobInfo(values) : `Job ID ${String(values.id)} not found`;
    });
    session.print(formatInfo(jobs));
    return ExitCode.success;
  },
});
