/**
 * gnt-debug wconfd and metad: questions to daemons that Ganeti has for themselves. The master daemon keeps
 * configuration and locks here, so it answers what those questions are about.
 */
import { executionFailure } from '../../../kit/failure.ts';
import { callMetadata, controlSocket } from '../../../metadata/client/control.ts';
import { ClusterRedistConf } from '../../../opcodes/cluster.ts';
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { type JobOptions, submitAndWait } from '../../jobs/submit.ts';
import { pythonText } from '../../output/python-text.ts';
import type { Cell, QueryAnswer } from '../../output/query-table.ts';
import type { Session } from '../../session.ts';

const value = (cell: Cell | undefined) => cell?.[1];

async function queryLocks(session: Session): Promise<QueryAnswer['data']> {
  const answer = (await session.call('Query', ['lock', ['name', 'mode', 'owner'], null])) as QueryAnswer;
  return answer.data.filter((row) => value(row[2]));
}

/** How many words each question takes, and the complaint about another number. */
const questions: Readonly<Record<string, { readonly words: number; readonly complaint: string }>> = {
  echo: { words: 2, complaint: "Command 'echo' takes only precisely argument." },
  cleanuplocks: { words: 1, complaint: "Command 'cleanuplocks' takes no arguments." },
  listlocks: { words: 2, complaint: "Command 'listlocks' takes precisely one argument." },
  listalllocks: { words: 1, complaint: "Command 'listalllocks' takes no arguments." },
  listalllocksowners: { words: 1, complaint: "Command 'listalllocks' takes no arguments." },
  flushconfig: { words: 1, complaint: "Command 'flushconfig' takes no arguments." },
};

/**
 * Locks end with the job that holds them, so there is nothing to clean up; one whose job has ended is a fault.
 * @throws Failure OpExecError naming such locks
 */
async function requireLiveOwners(session: Session): Promise<void> {
  const held = await queryLocks(session);
  const jobs = (await session.call('Query', [
    'job',
    ['id'],
    ['|', ['==', 'status', 'running'], ['==', 'status', 'waiting'], ['==', 'status', 'canceling']],
  ])) as QueryAnswer;
  const alive = new Set(jobs.data.map(([id]) => String(value(id))));
  const stale = held.filter((row) => {
    const owners = value(row[2]);
    return Array.isArray(owners) && owners.some((owner) => !alive.has(String(owner).split('/')[0]!));
  });
  if (stale.length === 0) return;
  // A job may have ended between the two questions: only what is still held counts.
  const now = new Map((await queryLocks(session)).map((row) => [value(row[0]), pythonText(value(row[2]))]));
  const left = stale.filter((row) => now.get(value(row[0])) === pythonText(value(row[2])));
  if (left.length === 0) return;
  throw executionFailure(
    `Locks of jobs that have ended: ${left.map((row) => String(value(row[0]))).join(', ')}. Restart ganeti-masterd: locks don't outlive it`,
  );
}

async function answer(
  session: Session,
  options: JobOptions,
  question: string,
  argument: string,
): Promise<string> {
  switch (question) {
    case 'echo':
      // Whoever can answer anything can echo.
      await session.call('QueryConfigValues', [['cluster_name']]);
      return `Answer: ${argument}`;
    case 'listalllocks':
      return `Answer: ${pythonText((await queryLocks(session)).map((row) => value(row[0])))}`;
    case 'listalllocksowners':
      return `Answer: ${pythonText((await queryLocks(session)).map((row) => [value(row[0]), value(row[2])]))}`;
    case 'listlocks': {
      const rows = await queryLocks(session);
      const owned = rows.filter((row) => pythonText(value(row[2])).includes(argument));
      return `Answer: ${pythonText(owned.map((row) => [value(row[0]), value(row[1])]))}`;
    }
    case 'cleanuplocks':
      await requireLiveOwners(session);
      return 'Stale locks cleaned up.';
    default:
      // Every change is on the master's disk before it is answered; this brings it to config.data and ssconf of all nodes.
      await submitAndWait(session, opcodeOf(ClusterRedistConf, {}), options);
      return 'Configuration flushed.';
  }
}

export const wconfd = command({
  arguments: [many('unknown', 1)],
  options: [],
  usage: '<cmd> <args...>',
  description: 'Directly talk to WConfD',
  run: async (session, options, args) => {
    const [question = '', argument = ''] = args;
    const known = Object.hasOwn(questions, question) ? questions[question] : undefined;
    if (known === undefined) {
      session.warn(`Command '${question}' not supported`);
      return ExitCode.failure;
    }
    if (args.length !== known.words) {
      session.warn(known.complaint);
      return ExitCode.failure;
    }
    session.print(await answer(session, options, question, argument));
    return ExitCode.success;
  },
});

export const metad = command({
  arguments: [many('unknown', 1)],
  options: [],
  usage: '<cmd> <args...>',
  description: 'Directly talk to Metad',
  run: async (session, _options, args) => {
    if (args[0] !== 'echo') {
      session.warn(`Command '${args[0]}' not supported`);
      return ExitCode.failure;
    }
    if (args.length !== 2) {
      session.warn("Command 'echo' takes only precisely argument.");
      return ExitCode.failure;
    }
    const [, text = ''] = args;
    const answered = await callMetadata(controlSocket(session.paths), 'echo', [text]);
    session.print(`Answer: ${answered}`);
    return ExitCode.success;
  },
});
