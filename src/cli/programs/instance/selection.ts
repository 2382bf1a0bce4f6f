/**
 * Which instances a command means: by name, by node, by tags, or all of them; and the commands that do one
 * thing to each (gnt_instance.GenericManyOps).
 */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { ExitCode } from '../../exit-codes.ts';
import { exitCodeOf, JobExecutor } from '../../jobs/executor.ts';
import type { JobOptions, Opcode } from '../../jobs/submit.ts';
import type { Session } from '../../session.ts';
import { queryInstances, queryNodes, requireRows } from '../../shared/queries.ts';

export interface SelectionOptions {
  readonly multi_mode: string | null;
  readonly force_multi: boolean;
}

const byName = 'instances';
const everything = 'cluster';

function needsNames(names: readonly string[], what: string): void {
  if (names.length === 0) throw prerequisiteFailure(`No ${what} passed`, ErrorCode.invalid);
}

const hasOneOf = (tags: unknown, wanted: readonly string[]) =>
  (tags as string[]).some((tag) => wanted.includes(tag));

async function onNodes(session: Session, mode: string, names: readonly string[]): Promise<string[]> {
  const byTags = mode.endsWith('-by-tags');
  needsNames(names, byTags ? 'node tags' : 'node names');
  const fields = ['name', 'pinst_list', 'sinst_list'];
  const rows = byTags
    ? (await queryNodes(session, [], [...fields, 'tags'])).filter((row) => hasOneOf(row[3], names))
    : await queryNodes(session, names, fields);
  if (!byTags) requireRows('Node', names, rows);
  const primary = mode.includes('-sec') ? [] : rows.flatMap((row) => row[1] as string[]);
  const secondary = mode.includes('-pri') ? [] : rows.flatMap((row) => row[2] as string[]);
  return [...primary, ...secondary];
}

/** Full names. @throws Failure OpPrereqError for missing arguments or unknown names */
async function selectInstances(session: Session, mode: string, names: readonly string[]): Promise<string[]> {
  switch (mode) {
    case everything:
      if (names.length > 0) {
        throw prerequisiteFailure('Cluster filter mode takes no arguments', ErrorCode.invalid);
      }
      return (await queryInstances(session, [], ['name'])).map(([name]) => String(name));
    case byName: {
      needsNames(names, 'instance names');
      const rows = await queryInstances(session, names, ['name']);
      if (rows.length > 0) requireRows('Instance', names, rows);
      return rows.map(([name]) => String(name));
    }
    case 'instances-by-tags': {
      needsNames(names, 'instance tags');
      const rows = await queryInstances(session, [], ['name', 'tags']);
      return rows.filter((row) => hasOneOf(row[1], names)).map(([name]) => String(name));
    }
    default:
      return await onNodes(session, mode, names);
  }
}

export interface Selection {
  readonly names: string[];
  /** More than one may be meant, so the user is asked and jobs are announced. */
  readonly isMany: boolean;
}

/** Undefined for an empty cluster, which is no error. */
export async function select(
  session: Session,
  options: SelectionOptions,
  args: readonly string[],
): Promise<Selection | undefined> {
  const mode = options.multi_mode ?? byName;
  const names = await selectInstances(session, mode, args);
  if (names.length === 0) {
    if (mode === everything) return undefined;
    throw prerequisiteFailure('Selection filter does not match any instances', ErrorCode.invalid);
  }
  return { names, isMany: mode !== byName || names.length > 1 };
}

type ManyOptions = SelectionOptions & JobOptions;

/** Runs a job of one opcode for each selected instance. */
export function forEachInstance<O extends ManyOptions>(
  action: string,
  opcodeFor: (name: string, options: O) => Opcode | Promise<Opcode>,
) {
  return async (session: Session, options: O, args: string[]): Promise<number> => {
    const selection = await select(session, options, args);
    if (selection === undefined) {
      session.print(`Cluster is empty, no instances to ${action}`);
      return ExitCode.success;
    }
    const { names, isMany } = selection;
    if (isMany && !options.force_multi && !session.confirm(names, 'instances', action)) {
      return ExitCode.failure;
    }
    const executor = new JobExecutor(session, options, isMany);
    for (const name of names) executor.queue(name, await opcodeFor(name, options));
    return exitCodeOf(await executor.waitOrShow(!options.submit_only));
  };
}
