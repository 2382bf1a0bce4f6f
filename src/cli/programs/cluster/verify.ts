/** gnt-cluster verify, verify-disks and repair-disk-sizes. */
import { Failure } from '../../../kit/failure.ts';
import { ClusterRepairDiskSizes, ClusterVerify, ClusterVerifyDisks } from '../../../opcodes/cluster.ts';
import { InstanceActivateDisks } from '../../../opcodes/instance.ts';
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { followJobsOf } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { type JobOptions, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { reportError } from '../../output/errors.ts';
import { pythonText, safeText } from '../../output/python-text.ts';
import type { Session } from '../../session.ts';

export const verify = command({
  arguments: [],
  options: [
    o.verbose,
    o.debugSimulateErrors,
    o.errorCodes,
    o.noNplus1Mem,
    o.noHvParamAssessment,
    o.dryRun,
    o.priority,
    o.nodeGroup,
    o.ignoreErrors,
    o.verifySshClutter,
  ],
  usage: '',
  description: 'Does a check on the cluster configuration',
  run: async (session, options) => {
    const opcode = opcodeOf(ClusterVerify, {
      verbose: options.verbose,
      error_codes: options.error_codes,
      debug_simulate_errors: options.simulate_errors,
      skip_checks: [
        ...(options.skip_nplusone_mem ? (['nplusone_mem'] as const) : []),
        ...(options.skip_hvparam_assessment ? (['hvparam_assessment'] as const) : []),
      ],
      ignore_errors: options.ignore_errors as never,
      group_name: options.nodegroup,
      verify_clutter: options.verify_clutter,
    });
    const outcomes = await followJobsOf(session, await submitAndWait(session, opcode, options), options);
    const failed = outcomes.filter(({ success }) => !success).length;
    // Each job gives whether what it looked at is fine.
    const isFine = outcomes.every(({ success, result }) => success && (result as unknown[])[0]);
    if (failed > 0) session.print(`${failed} job(s) failed while verifying the cluster.`);
    return isFine ? ExitCode.success : ExitCode.failure;
  },
});

/** [error by node, instances to activate, missing volumes (node, volume) by instance] */
type DiskFindings = readonly [
  Readonly<Record<string, string>>,
  readonly string[],
  Readonly<Record<string, readonly (readonly [string, string])[]>>,
];

/** How much of a node's message is shown. */
const shownCharacters = 400;

async function activate(session: Session, name: string, options: JobOptions): Promise<number> {
  session.print(`Activating disks for instance '${name}'`);
  try {
    await submitAndWait(session, opcodeOf(InstanceActivateDisks, { instance_name: name }), options);
    return ExitCode.success;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, text } = reportError(error);
    session.warn(`Error activating disks for instance ${name}: ${text}`);
    return code;
  }
}

function tellMissing(session: Session, [badNodes, , missing]: DiskFindings): void {
  for (const [name, volumes] of Object.entries(missing)) {
    if (volumes.every(([node]) => node in badNodes)) {
      session.print(`Instance ${name} cannot be verified as it lives on broken nodes`);
      continue;
    }
    session.print(`Instance ${name} has missing logical volumes:`);
    const lines = volumes.map(
      ([node, volume]) => `${node in badNodes ? 'broken node ' : ''}${node} /dev/${volume}`,
    );
    session.printLines(lines.sort().map((line) => `\t${line}`));
  }
  session.print(
    'You need to replace or recreate disks for all the above instances if this message persists after' +
      ' fixing broken nodes.',
  );
}

/** Tells what a group's job has found and activates what can be; the exit code. */
async function repairGroup(session: Session, findings: DiskFindings, options: JobOptions): Promise<number> {
  const [badNodes, instances, missing] = findings;
  let code: number = ExitCode.success;
  for (const [node, text] of Object.entries(badNodes)) {
    session.print(`Error gathering data on node ${node}: ${safeText(text.slice(-shownCharacters))}`);
    session.print('You need to fix these nodes first before fixing instances');
    code = ExitCode.failure;
  }
  for (const name of instances) {
    if (!(name in missing)) code = Math.max(code, await activate(session, name, options));
  }
  if (Object.keys(missing).length > 0) {
    tellMissing(session, findings);
    return ExitCode.failure;
  }
  if (instances.length === 0) session.print('No disks need to be activated.');
  return code;
}

export const verifyDisks = command({
  arguments: [],
  options: [o.priority, o.nodeGroup, o.noStrict],
  usage: '',
  description: 'Does a check on the cluster disk status',
  run: async (session, options) => {
    const opcode = opcodeOf(ClusterVerifyDisks, {
      group_name: options.nodegroup,
      is_strict: !options.no_strict,
    });
    const outcomes = await followJobsOf(session, await submitAndWait(session, opcode, options), options);
    let code: number = ExitCode.success;
    for (const { success, result } of outcomes) {
      if (!success) {
        session.print(`Job failed: ${pythonText(result)}`);
        code = ExitCode.failure;
        continue;
      }
      code = Math.max(code, await repairGroup(session, (result as [DiskFindings])[0], options));
    }
    return code;
  },
});

export const repairDiskSizes = command({
  arguments: [many('instance')],
  options: [o.dryRun, o.priority],
  usage: '[<instance-name>...]',
  description: 'Updates mismatches in recorded disk sizes',
  run: async (session, options, args) => {
    await submitAndWait(session, opcodeOf(ClusterRepairDiskSizes, { instances: args }), options);
    return ExitCode.success;
  },
});
