/** gnt-instance failover, migrate, move and change-group: an instance goes to another node. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import {
  InstanceChangeGroup,
  InstanceFailover,
  InstanceMigrate,
  InstanceMove,
} from '../../../opcodes/instance.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { followJobsOf } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import type { Session } from '../../session.ts';
import { migrationModeOf } from '../../shared/migration.ts';
import { ensureInstanceExists } from './existence.ts';

function refuseBothTargets(options: {
  readonly iallocator: string | null;
  readonly dst_node: string | null;
}) {
  if (options.iallocator && options.dst_node) {
    throw prerequisiteFailure(
      'Specify either an iallocator (-I), or a target node (-n) but not both',
      ErrorCode.invalid,
    );
  }
}

async function confirmFailover(
  session: Session,
  name: string,
  options: { readonly force: boolean; readonly ignore_consistency: boolean },
): Promise<boolean> {
  if (!options.force) {
    await ensureInstanceExists(session, name);
    const question = `Failover will happen to image ${name}. This requires a shutdown of the instance. Continue?`;
    if (!session.ask(question)) return false;
  }
  if (!options.ignore_consistency) return true;
  return session.ask(
    `To failover instance ${name}, the source node must be marked offline first. Is this already the case?`,
  );
}

export const failover = command({
  arguments: [one('instance')],
  options: [
    o.force,
    o.ignoreConsistency,
    o.submit,
    o.printJobId,
    o.shutdownTimeout,
    o.dryRun,
    o.priority,
    o.targetNode,
    o.iallocator,
    o.ignoreIpolicy,
    o.cleanup,
  ],
  usage: '[-f] <instance-name>',
  description:
    'Stops the instance, changes its primary node and (if it was originally running) starts it on the new node (the secondary for mirrored instances or any node for shared storage).',
  run: async (session, options, args) => {
    const name = args[0]!;
    refuseBothTargets(options);
    if (!(await confirmFailover(session, name, options))) return ExitCode.failure;
    const opcode = opcodeOf(InstanceFailover, {
      instance_name: name,
      ignore_consistency: options.ignore_consistency,
      shutdown_timeout: options.shutdown_timeout,
      iallocator: options.iallocator,
      target_node: options.dst_node,
      ignore_ipolicy: options.ignore_ipolicy,
      cleanup: options.cleanup,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

function migrationQuestion(name: string, isCleanup: boolean): string {
  const what = isCleanup
    ? `Instance ${name} will be recovered from a failed migration. Note that the migration procedure (including cleanup)`
    : `Instance ${name} will be migrated. Note that migration`;
  return `${what} might impact the instance if anything goes wrong (e.g. due to bugs in the hypervisor). Continue?`;
}

export const migrate = command({
  arguments: [one('instance')],
  options: [
    o.force,
    o.nonLive,
    o.migrationMode,
    o.cleanup,
    o.dryRun,
    o.priority,
    o.targetNode,
    o.iallocator,
    o.allowFailover,
    o.ignoreIpolicy,
    o.ignoreHvversions,
    o.noRuntimeChanges,
    o.submit,
    o.printJobId,
  ],
  usage: '[-f] <instance-name>',
  description: 'Migrate instance to its secondary node (only for mirrored instances)',
  run: async (session, options, args) => {
    const name = args[0]!;
    refuseBothTargets(options);
    if (!options.force) {
      await ensureInstanceExists(session, name);
      if (!session.ask(migrationQuestion(name, options.cleanup))) return ExitCode.failure;
    }
    const opcode = opcodeOf(InstanceMigrate, {
      instance_name: name,
      mode: migrationModeOf(options),
      cleanup: options.cleanup,
      iallocator: options.iallocator,
      target_node: options.dst_node,
      allow_failover: options.allow_failover,
      allow_runtime_changes: options.allow_runtime_chgs,
      ignore_ipolicy: options.ignore_ipolicy,
      ignore_hvversions: options.ignore_hvversions,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const move = command({
  arguments: [one('instance')],
  options: [
    o.force,
    o.submit,
    o.printJobId,
    o.node,
    o.compress,
    o.shutdownTimeout,
    o.dryRun,
    o.priority,
    o.ignoreConsistency,
    o.ignoreIpolicy,
  ],
  usage: '[-f] <instance-name>',
  description: 'Move instance to an arbitrary node (only for instances of type file and lv)',
  run: async (session, options, args) => {
    const name = args[0]!;
    const question = `Instance ${name} will be moved. This requires a shutdown of the instance. Continue?`;
    if (!options.force && !session.ask(question)) return ExitCode.failure;
    const opcode = opcodeOf(InstanceMove, {
      instance_name: name,
      target_node: options.node as string,
      compress: options.compress,
      shutdown_timeout: options.shutdown_timeout,
      ignore_consistency: options.ignore_consistency,
      ignore_ipolicy: options.ignore_ipolicy,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const changeGroup = command({
  arguments: [one('instance')],
  options: [o.toGroup, o.iallocator, o.earlyRelease, o.priority, o.submit, o.printJobId],
  usage: '[-I <iallocator>] [--to <group>] <instance-name>',
  description: 'Change group of instance',
  run: async (session, options, args) => {
    const name = args[0]!;
    const opcode = opcodeOf(InstanceChangeGroup, {
      instance_name: name,
      iallocator: options.iallocator,
      target_groups: options.to,
      early_release: options.early_release,
    });
    const outcomes = await followJobsOf(session, await submit(session, opcode, options), options);
    const failed = outcomes.filter(({ success }) => !success).length;
    session.print(
      failed === 0
        ? `Instance '${name}' changed group successfully.`
        : `There were ${failed} errors while changing group of instance '${name}'.`,
    );
    return failed === 0 ? ExitCode.success : ExitCode.failure;
  },
});
