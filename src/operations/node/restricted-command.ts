/** OP_RESTRICTED_COMMAND: a program that the site allows is run on nodes. */
import type { Node } from '../../model/objects/node.ts';
import { RestrictedCommand } from '../../opcodes/node.ts';
import { operation } from '../operation.ts';
import { runRestrictedCommand } from '../steps/power.ts';
import { nodeLocks, wantedNodes } from './wanted.ts';

interface CommandPlan {
  readonly nodes: readonly Node[];
  readonly command: string;
}

export const restrictedCommand = operation({
  opcode: RestrictedCommand,
  steps: [runRestrictedCommand],
  locks: (op, configuration) => nodeLocks(configuration, op.nodes, op.use_locking ? 'exclusive' : 'shared'),
  plan: async (op, { configuration }): Promise<CommandPlan> => ({
    nodes: wantedNodes(configuration, op.nodes),
    command: op.command,
  }),
  run: async ({ nodes, command }, job) => {
    const outcomes = await job.do(runRestrictedCommand, { nodes: nodes.map(({ uuid }) => uuid), command });
    return outcomes.map((outcome, index): [boolean, string] =>
      'output' in outcome
        ? [true, outcome.output]
        : [false, `Command '${command}' on node '${nodes[index]!.name}' failed: ${outcome.fault}`],
    );
  },
});
