/** gnt-cluster queue, watcher, activate-master-ip, deactivate-master-ip and search-tags. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { parseTimespec } from '../../../kit/timespec.ts';
import { ClusterActivateMasterIp, ClusterDeactivateMasterIp } from '../../../opcodes/cluster.ts';
import { TagsSearch } from '../../../opcodes/tags.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { formatCtime } from '../../output/time.ts';
import type { Session } from '../../session.ts';
import { queryConfigValues } from '../../shared/queries.ts';

function unknownWord(word: string) {
  return prerequisiteFailure(`Command '${word}' is not valid.`, ErrorCode.invalid);
}

export const queue = command({
  arguments: [one('choice', ['drain', 'undrain', 'info'])],
  options: [],
  usage: 'drain|undrain|info',
  description: 'Change queue properties',
  run: async (session, _options, args) => {
    const word = args[0]!;
    if (word === 'drain' || word === 'undrain') {
      await session.call('SetDrainFlag', [word === 'drain']);
    } else if (word === 'info') {
      const [isDrained] = await queryConfigValues(session, ['drain_flag']);
      session.print(`The drain flag is ${isDrained ? 'set' : 'unset'}`);
    } else {
      throw unknownWord(word);
    }
    return ExitCode.success;
  },
});

const millisecondsPerSecond = 1000;

/** @param until seconds since the epoch */
function tellPause(session: Session, until: unknown): void {
  const isPaused = typeof until === 'number' && until >= Date.now() / millisecondsPerSecond;
  session.print(
    isPaused ? `The watcher is paused until ${formatCtime(until)}.` : 'The watcher is not paused.',
  );
}

export const watcher = command({
  arguments: [
    one('choice', ['pause', 'continue', 'info']),
    { kind: 'suggest', min: 0, max: 1, choices: ['30m', '1h', '4h'] },
  ],
  options: [],
  usage: '{pause <timespec>|continue|info}',
  description: 'Change watcher properties',
  run: async (session, _options, args) => {
    const [word = '', duration] = args;
    if (word === 'continue') {
      await session.call('SetWatcherPause', [null]);
      session.print('The watcher is no longer paused.');
    } else if (word === 'pause') {
      if (duration === undefined) throw prerequisiteFailure('Missing pause duration', ErrorCode.invalid);
      const until = Date.now() / millisecondsPerSecond + parseTimespec(duration);
      tellPause(session, await session.call('SetWatcherPause', [until]));
    } else if (word === 'info') {
      tellPause(session, (await queryConfigValues(session, ['watcher_pause']))[0]);
    } else {
      throw unknownWord(word);
    }
    return ExitCode.success;
  },
});

export const activateMasterIp = command({
  arguments: [],
  options: [],
  usage: '',
  description: 'Activates the master IP',
  run: async (session, options) => {
    await submitAndWait(session, opcodeOf(ClusterActivateMasterIp, {}), options);
    return ExitCode.success;
  },
});

export const deactivateMasterIp = command({
  arguments: [],
  options: [o.yes],
  usage: '',
  description: 'Deactivates the master IP',
  run: async (session, options) => {
    const question =
      'This will disable the master IP. All the open connections to the master IP will be closed. To reach' +
      ' the master you will need to use its node IP. Continue?';
    if (!options.confirm && !session.ask(question)) return ExitCode.failure;
    await submitAndWait(session, opcodeOf(ClusterDeactivateMasterIp, {}), options);
    return ExitCode.success;
  },
});

export const searchTags = command({
  arguments: [one('unknown')],
  options: [o.priority],
  usage: '',
  description: 'Searches the tags on all objects on the cluster for a given pattern (regex)',
  run: async (session, options, args) => {
    const opcode = opcodeOf(TagsSearch, { pattern: args[0]! });
    const found = ((await submitAndWait(session, opcode, options)) ?? []) as [string, string][];
    if (found.length === 0) return ExitCode.failure;
    session.printLines(found.map(([path, tag]) => `${path} ${tag}`).sort());
    return ExitCode.success;
  },
});
