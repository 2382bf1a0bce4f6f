/** gnt-node modify, remove and powercycle. */
import { NodePowercycle, NodeRemove, NodeSetParams } from '../../../opcodes/node.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { groupsOf, nestedGroupsOf } from '../../optparse/key-values.ts';
import { pythonText } from '../../output/python-text.ts';
import { printChanges } from '../../shared/changes.ts';
import { typedNode } from '../../shared/parameters.ts';

const onlineQuestion =
  'You are setting this node online manually. If the configuration has changed, this can cause issues such' +
  ' as split brain. To safely bring a node back online, please use --readd instead. If you are confident' +
  " that the configuration hasn't changed, continue?";
/** Exit code of powercycle when the question is answered with no. */
const notPowercycled = 2;

export const modify = command({
  arguments: [one('node')],
  options: [
    o.force,
    o.submit,
    o.printJobId,
    o.masterCandidate,
    o.drained,
    o.offline,
    o.masterCapable,
    o.vmCapable,
    o.secondaryIp,
    o.autoPromote,
    o.dryRun,
    o.priority,
    o.nodeParameters,
    o.nodePowered,
    o.hypervisorState,
    o.diskState,
  ],
  usage: '<node-name>',
  description: 'Alters the parameters of a node',
  run: async (session, options, args) => {
    const changes = [
      options.master_candidate,
      options.drained,
      options.offline,
      options.master_capable,
      options.vm_capable,
      options.secondary_ip,
      options.ndparams,
      options.node_powered,
    ];
    const changesState = options.hv_state.length > 0 || options.disk_state.length > 0;
    if (changes.every((change) => change === null) && !changesState) {
      session.warn('Please give at least one of the parameters.');
      return ExitCode.failure;
    }
    const ndparams = options.ndparams === null ? null : typedNode(options.ndparams);
    if (options.offline === false && !options.force && !session.ask(onlineQuestion)) return ExitCode.failure;
    const opcode = opcodeOf(NodeSetParams, {
      node_name: args[0]!,
      master_candidate: options.master_candidate,
      offline: options.offline,
      drained: options.drained,
      master_capable: options.master_capable,
      vm_capable: options.vm_capable,
      secondary_ip: options.secondary_ip,
      force: options.force,
      ndparams,
      auto_promote: options.auto_promote,
      powered: options.node_powered,
      hv_state: groupsOf(options.hv_state),
      disk_state: nestedGroupsOf(options.disk_state),
    });
    printChanges(session, 'node', args[0]!, await submit(session, opcode, options));
    return ExitCode.success;
  },
});

export const remove = command({
  arguments: [one('node')],
  options: [o.dryRun, o.priority],
  usage: '<node-name>',
  description: 'Removes a node from the cluster',
  run: async (session, options, args) => {
    await submitAndWait(session, opcodeOf(NodeRemove, { node_name: args[0]! }), options);
    return ExitCode.success;
  },
});

export const powercycle = command({
  arguments: [one('node')],
  options: [o.force, o.yes, o.dryRun, o.priority, o.submit, o.printJobId],
  usage: '<node-name>',
  description: 'Tries to forcefully powercycle a node',
  run: async (session, options, args) => {
    const name = args[0]!;
    if (!options.confirm && !session.ask(`Are you sure you want to hard powercycle node ${name}?`)) {
      return notPowercycled;
    }
    const opcode = opcodeOf(NodePowercycle, { node_name: name, force: options.force });
    const result = await submit(session, opcode, options);
    if (result) session.warn(pythonText(result));
    return ExitCode.success;
  },
});
