/** Jobs: what they do, how far they are, and what came of it. Times are seconds and microseconds. */

import { Failure } from '../../kit/failure.ts';
import { opcodes } from '../../opcodes/catalog.ts';
import { summaryOf } from '../../opcodes/opcode.ts';
import { ifSet, unavailable, valued } from '../cell.ts';
import { type FoundJob, type JobOpcode, type JobRecord, needed, type QueryContext } from '../context.ts';
import { described, type Field, type FieldKind, type LiveField, type View } from '../field.ts';
import { type Row, resource, type Wish } from '../resource.ts';

type JobLive = FoundJob | undefined;
type JobField = LiveField<number, JobLive>;

/** A job that isn't there has nothing but its id. */
function fact(
  name: string,
  title: string,
  kind: FieldKind,
  doc: string,
  get: (job: JobRecord, view: View, found: FoundJob) => unknown,
): JobField {
  return {
    ...described(name, title, kind, doc),
    live: ['job'],
    read: (_id, view, found) => (found === undefined ? unavailable : ifSet(get(found.job, view, found))),
  };
}

/** A list with one entry for each opcode. */
function each(name: string, title: string, doc: string, get: (op: JobOpcode) => unknown): JobField {
  return fact(name, title, 'other', doc, (job) => job.ops.map(get));
}

function summary({ input }: JobOpcode): string {
  const definition = opcodes.get(input.OP_ID);
  return definition === undefined ? input.OP_ID.replace(/^OP_/, '') : summaryOf(definition, input);
}

const fields: Field<number, JobLive>[] = [
  { ...described('id', 'ID', 'number', 'Number of the job'), read: (id) => valued(id) },
  fact('status', 'Status', 'text', 'Status of the job', (job, { context }) =>
    needed(context, 'jobs').statusOf(job),
  ),
  fact('priority', 'Priority', 'number', 'Priority: from -20, the highest, to 19', (job, { context }) =>
    needed(context, 'jobs').priorityOf(job),
  ),
  fact('archived', 'Archived', 'bool', 'Whether it is archived', (_job, _view, found) => found.archived),
  each('ops', 'OpCodes', 'Its opcodes', (op) => op.input),
  each('opresult', 'OpCode_result', 'Results of its opcodes', (op) => op.result),
  each('opstatus', 'OpCode_status', 'Statuses of its opcodes', (op) => op.status),
  each('oplog', 'OpCode_log', 'What its opcodes said', (op) => op.log),
  each('opstart', 'OpCode_start', 'When its opcodes began to wait for locks', (op) => op.start_timestamp),
  each('opexec', 'OpCode_exec', 'When its opcodes had their locks', (op) => op.exec_timestamp),
  each('opend', 'OpCode_end', 'When its opcodes ended', (op) => op.end_timestamp),
  each('oppriority', 'OpCode_prio', 'Priorities of its opcodes', (op) => op.priority),
  each('summary', 'Summary', 'Its opcodes in short', summary),
  {
    ...fact('received_ts', 'Received', 'other', 'When it was taken in', (job) => job.received_timestamp),
    match: 'timestamp',
  },
  {
    ...fact('start_ts', 'Start', 'other', 'When it began', (job) => job.start_timestamp),
    match: 'timestamp',
  },
  { ...fact('end_ts', 'End', 'other', 'When it ended', (job) => job.end_timestamp), match: 'timestamp' },
];

function jobId(name: string | number): number {
  const id = Number(name);
  if (Number.isSafeInteger(id) && id >= 0 && name !== '') return id;
  throw new Failure('GenericError', [`Invalid job id '${name}'`]);
}

async function jobIds(context: QueryContext, { names, fields: wanted }: Wish): Promise<readonly number[]> {
  if (names !== undefined && names.length > 0) return [...new Set(names.map(jobId))];
  const ids = await needed(context, 'jobs').ids(wanted.has('archived'));
  return [...ids].sort((a, b) => a - b);
}

async function fetchJobs(context: QueryContext, ids: readonly number[]): Promise<Row<number, JobLive>[]> {
  const jobs = needed(context, 'jobs');
  const rows: Row<number, JobLive>[] = [];
  for (const item of ids) rows.push({ item, live: await jobs.find(item) });
  return rows;
}

export const jobs = resource<number, JobLive>({
  name: 'job',
  nameField: 'id',
  uuidField: 'id',
  fields,
  items: jobIds,
  fetch: fetchJobs,
});
