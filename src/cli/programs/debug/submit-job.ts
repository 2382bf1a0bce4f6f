/** gnt-debug submit-job: jobs from files of opcodes. */

import { readFileSync } from 'node:fs';
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { JobExecutor } from '../../jobs/executor.ts';
import type { Opcode } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { systemErrorText } from '../../output/system-errors.ts';

const isOpcode = (value: unknown): value is Opcode =>
  typeof value === 'object' && value !== null && typeof (value as Opcode).OP_ID === 'string';

/** @throws Failure OpPrereqError for a file that can't be read or holds something else */
function readOpcodes(path: string): Opcode[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw prerequisiteFailure(
      `Can't read opcodes from '${path}': ${systemErrorText(error)}`,
      ErrorCode.invalid,
    );
  }
  if (Array.isArray(content) && content.every(isOpcode)) return content;
  throw prerequisiteFailure(`'${path}' doesn't hold a list of opcodes`, ErrorCode.invalid);
}

const millisecondsPerSecond = 1000;
const seconds = (from: number, to: number) => ((to - from) / millisecondsPerSecond).toFixed(4);

export const submitJob = command({
  arguments: [many('file', 1)],
  options: [o.verbose, o.opcodeRepeat, o.jobRepeat, o.timingStats, o.submitEach, o.dryRun, o.priority],
  usage: '<op-list-file>...',
  description: 'Submits jobs built from json files containing a list of serialized opcodes',
  run: async (session, options, args) => {
    const executor = new JobExecutor(session, options, options.verbose);
    const tell = (line: string) => {
      if (options.timing_stats) session.print(line);
    };
    let opcodeCount = 0;
    tell('Loading...');
    for (let round = 0; round < options.rep_job; round += 1) {
      for (const path of args) {
        const opcodes = readOpcodes(path);
        const repeated = Array.from({ length: options.rep_op }, () => opcodes).flat();
        executor.queue(`file ${path}/${round}`, ...repeated);
        opcodeCount += repeated.length;
      }
    }
    const begin = Date.now();
    tell('Submitting...');
    await executor.submit(options.each);
    const submitted = Date.now();
    tell('Executing...');
    const outcomes = await executor.results();
    const end = Date.now();
    tell(`C:op     ${String(opcodeCount).padStart(4)}`);
    tell(`C:job    ${String(options.rep_job * args.length).padStart(4)}`);
    tell(`T:submit ${seconds(begin, submitted)}`);
    tell(`T:exec   ${seconds(submitted, end)}`);
    tell(`T:total  ${seconds(begin, end)}`);
    return outcomes.every(({ submitted: isTaken }) => isTaken) ? ExitCode.success : ExitCode.failure;
  },
});
