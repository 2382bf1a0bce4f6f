/** gnt-node evacuate, failover and migrate: the instances of a node go elsewhere. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { niceSort } from '../../../kit/nice-sort.ts';
import { InstanceFailover } from '../../../opcodes/instance.ts';
import { NodeEvacuate, NodeMigrate } from '../../../opcodes/node.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { followJobsOf, JobExecutor, type JobOutcome } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import type { Session } from '../../session.ts';
import { migrationModeOf } from '../../shared/migration.ts';
import { queryNodes, requireRows } from '../../shared/queries.ts';

/** Exit code of failover when the question is answered with no. */
const notFailedOver = 2;

/** Name and instances of a node, by fields that list instances. */
async function instancesOn(session: Session, args: string[], fields: readonly string[]) {
  const rows = await queryNodes(session, args, ['name', ...fields]);
  requireRows('Node', args, rows);
  const [name, ...lists] = rows[0]!;
  return { name: String(name), instances: niceSort(new Set((lists as string[][]).flat())) };
}

function conclude(session: Session, outcomes: readonly JobOutcome[], done: string, event: string): number {
  const failed = outcomes.filter(({ success }) => !success).length;
  session.print(
    failed === 0 ? `All instances ${done} successfully.` : `There were ${failed} errors during the ${event}.`,
  );
  return failed === 0 ? ExitCode.success : ExitCode.failure;
}

export const evacuate = command({
  arguments: [one('node')],
  options: [
    o.force,
    o.iallocator,
    o.ignoreSoftErrors,
    o.newSecondary,
    o.earlyRelease,
    o.priority,
    o.primaryOnly,
    o.secondaryOnly,
    o.submit,
    o.printJobId,
  ],
  usage: '[-f] {-I <iallocator> | -n <dst>} [-p | -s] [options...] <node>',
  description: 'Relocate the primary and/or secondary instances from a node',
  run: async (session, options, args) => {
    let { primary_only: primaryOnly, secondary_only: secondaryOnly } = options;
    if (options.dst_node !== null) {
      session.warn(
        'New secondary node given (disabling iallocator), hence evacuating secondary instances only.',
      );
      [primaryOnly, secondaryOnly] = [false, true];
    }
    if (primaryOnly && secondaryOnly) {
      throw prerequisiteFailure(
        'Only one of the --primary-only and --secondary-only options can be passed',
        ErrorCode.invalid,
      );
    }
    const fields = [...(secondaryOnly ? [] : ['pinst_list']), ...(primaryOnly ? [] : ['sinst_list'])];
    const { instances } = await instancesOn(session, args, fields);
    if (instances.length === 0) {
      session.warn(`No instances to evacuate on node(s) ${args.join(', ')}, exiting.`);
      return ExitCode.success;
    }
    const question = `Relocate instance(s) ${instances.join(', ')} from node(s) ${args.join(', ')}?`;
    if (!options.force && !session.ask(question)) return ExitCode.confirmation;
    const opcode = opcodeOf(NodeEvacuate, {
      node_name: args[0]!,
      mode: primaryOnly ? 'primary-only' : secondaryOnly ? 'secondary-only' : 'all',
      remote_node: options.dst_node,
      iallocator: options.iallocator,
      early_release: options.early_release,
      ignore_soft_errors: options.ignore_soft_errors,
    });
    const outcomes = await followJobsOf(session, await submit(session, opcode, options), options);
    return conclude(session, outcomes, 'evacuated', 'evacuation');
  },
});

export const failover = command({
  arguments: [one('node')],
  options: [o.force, o.ignoreConsistency, o.iallocator, o.priority],
  usage: '[-f] <node>',
  description:
    'Stops the primary instances on a node and start them on their secondary node (only for instances with drbd disk template)',
  run: async (session, options, args) => {
    const { name, instances } = await instancesOn(session, args, ['pinst_list']);
    if (instances.length === 0) {
      session.warn(`No primary instances on node ${name}, exiting.`);
      return ExitCode.success;
    }
    const question = `Fail over instance(s) ${instances.map((instance) => `'${instance}'`).join(',')}?`;
    if (!options.force && !session.ask(question)) return notFailedOver;
    const executor = new JobExecutor(session, options);
    for (const instance of instances) {
      const opcode = opcodeOf(InstanceFailover, {
        instance_name: instance,
        ignore_consistency: options.ignore_consistency,
        iallocator: options.iallocator,
      });
      executor.queue(instance, opcode);
    }
    const outcomes = await executor.results();
    const failed = outcomes.filter(({ success }) => !success).length;
    if (failed === 0) {
      session.print(`All ${outcomes.length} instance(s) failed over successfully.`);
      return ExitCode.success;
    }
    session.print(
      `There were errors during the failover:\n${failed} error(s) out of ${outcomes.length} instance(s).`,
    );
    return ExitCode.failure;
  },
});

export const migrate = command({
  arguments: [one('node')],
  options: [
    o.force,
    o.nonLive,
    o.migrationMode,
    o.targetNode,
    o.iallocator,
    o.priority,
    o.ignoreIpolicy,
    o.noRuntimeChanges,
    o.submit,
    o.printJobId,
  ],
  usage: '[-f] <node>',
  description: 'Migrate all the primary instance on a node away from it (only for instances of type drbd)',
  run: async (session, options, args) => {
    const { name, instances } = await instancesOn(session, args, ['pinst_list']);
    if (instances.length === 0) {
      session.print(`No primary instances on node ${name}, exiting.`);
      return ExitCode.success;
    }
    if (!options.force && !session.ask(`Migrate instance(s) ${instances.join(', ')}?`)) {
      return ExitCode.confirmation;
    }
    const opcode = opcodeOf(NodeMigrate, {
      node_name: args[0]!,
      mode: migrationModeOf(options),
      iallocator: options.iallocator,
      target_node: options.dst_node,
      allow_runtime_changes: options.allow_runtime_chgs,
      ignore_ipolicy: options.ignore_ipolicy,
    });
    const outcomes = await followJobsOf(session, await submit(session, opcode, options), options);
    return conclude(session, outcomes, 'migrated', 'node migration');
  },
});
