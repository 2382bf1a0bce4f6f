/** OP_OS_DIAGNOSE and OP_EXT_STORAGE_DIAGNOSE: definitions that the nodes have, as values in Ganeti's old form. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { ExtStorageDiagnose, OsDiagnose } from '../../opcodes/os.ts';
import { runQuery } from '../../queries/run.ts';
import { operation, type PlanContext } from '../operation.ts';

type Filter = readonly unknown[];

function named(names: readonly string[]): Filter | null {
  return names.length === 0 ? null : ['|', ...names.map((name) => ['=', 'name', name])];
}

/** What isn't asked about is taken for granted: an OS that is hidden, blacklisted or not valid is left out. */
function usual(fields: readonly string[]): Filter[] {
  const unwanted = ['hidden', 'blacklisted'].filter((field) => !fields.includes(field));
  return [
    ...unwanted.map((field) => ['!', ['?', field]]),
    ...(fields.includes('valid') ? [] : [['?', 'valid']]),
  ];
}

async function valuesOf(
  { configuration, nodes }: PlanContext,
  what: string,
  fields: readonly string[],
  filter: Filter | null,
): Promise<unknown[][]> {
  const { fields: found, data } = await runQuery(what, fields, filter, { configuration, nodes });
  const unknown = found.filter(({ kind }) => kind === 'unknown').map(({ name }) => name);
  if (unknown.length > 0)
    throw prerequisiteFailure(`Unknown output fields selected: ${unknown.join(', ')}`, ErrorCode.invalid);
  return data.map((row) => row.map(([, value]) => value));
}

export const osDiagnose = operation({
  opcode: OsDiagnose,
  steps: [],
  locks: () => [],
  plan: (op, context) => {
    const parts = [...usual(op.output_fields), ...(op.names.length === 0 ? [] : [named(op.names)])];
    return valuesOf(context, 'os', op.output_fields, parts.length === 0 ? null : ['&', ...parts]);
  },
  run: async (rows) => rows,
});

export const extStorageDiagnose = operation({
  opcode: ExtStorageDiagnose,
  steps: [],
  locks: () => [],
  plan: (op, context) => valuesOf(context, 'extstorage', op.output_fields, named(op.names)),
  run: async (rows) => rows,
});
