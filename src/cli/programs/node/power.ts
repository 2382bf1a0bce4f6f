/** gnt-node power, health and restricted-command. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { NodeSetParams, OobCommand, RestrictedCommand } from '../../../opcodes/node.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit, submitAll, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { formatLegacyTable } from '../../output/legacy-table.ts';
import { type Cell, formatStatus } from '../../output/query-table.ts';
import type { Session } from '../../session.ts';
import { onlineNodes } from '../../shared/online-nodes.ts';

/** Name and outcome of each node. */
type NodeAnswers = readonly (readonly [Cell, Cell])[];

interface TableOptions {
  readonly no_headers: boolean;
  readonly separator: string | null;
}

/** Prints a table of node and status; 1 when a node didn't answer as it should. */
function printAnswers(
  session: Session,
  options: TableOptions,
  answers: NodeAnswers,
  linesOf: (value: unknown) => string[],
): number {
  const rows = answers.flatMap(([[, name], [status, value]]) => {
    const lines = status === 0 ? linesOf(value) : [formatStatus(status, true)];
    return lines.map((line, index) => [index === 0 ? name : '', line]);
  });
  session.printLines(
    formatLegacyTable({
      fields: ['node', 'status'],
      titles: options.no_headers ? null : { node: 'Node', status: 'Status' },
      rows,
      separator: options.separator,
    }),
  );
  return answers.every(([, [status]]) => status === 0) ? ExitCode.success : ExitCode.failure;
}

const powerWords = ['on', 'off', 'cycle', 'status'] as const;
type PowerWord = (typeof powerWords)[number];
const isPowerWord = (word: string): word is PowerWord => powerWords.includes(word as PowerWord);
/** These want names, and are asked about. */
const dangerous: readonly PowerWord[] = ['off', 'cycle'];

export const power = command({
  arguments: [one('choice', ['on', 'off', 'cycle', 'status']), many('node')],
  options: [
    o.submit,
    o.printJobId,
    o.autoPromote,
    o.priority,
    o.ignoreStatus,
    o.force,
    o.noHeaders,
    o.separator,
    o.oobTimeout,
    o.powerDelay,
  ],
  usage: 'on|off|cycle|status [<node-name>...]',
  description: 'Change power state of node by calling out-of-band helper.',
  run: async (session, options, args) => {
    const [word = '', ...nodes] = args;
    if (!isPowerWord(word)) {
      session.warn(`power subcommand ${word} not supported.`);
      return ExitCode.failure;
    }
    if (dangerous.includes(word)) {
      if (nodes.length === 0) {
        session.warn('Please provide at least one node for this command');
        return ExitCode.failure;
      }
      if (!options.force && !session.confirm(nodes, 'nodes', `power ${word}`)) return ExitCode.failure;
    }
    const marks =
      word === 'off' && !options.ignore_status
        ? nodes.map((node) =>
            opcodeOf(NodeSetParams, { node_name: node, offline: true, auto_promote: options.auto_promote }),
          )
        : [];
    const opcode = opcodeOf(OobCommand, {
      node_names: nodes,
      command: `power-${word}`,
      ignore_status: options.ignore_status,
      timeout: options.oob_timeout,
      power_delay: options.power_delay,
    });
    const results = await submitAll(session, [...marks, opcode], options);
    return printAnswers(session, options, results.at(-1) as NodeAnswers, (value) => {
      if (word !== 'status') return ['invoked'];
      return [(value as { powered?: boolean }).powered ? 'powered' : 'unpowered'];
    });
  },
});

export const health = command({
  arguments: [many('node')],
  options: [o.noHeaders, o.separator, o.priority, o.oobTimeout],
  usage: '[<node-name>...]',
  description: 'List health of node(s) using out-of-band',
  run: async (session, options, args) => {
    const opcode = opcodeOf(OobCommand, {
      node_names: args,
      command: 'health',
      timeout: options.oob_timeout,
    });
    const answers = (await submitAndWait(session, opcode, options)) as NodeAnswers;
    return printAnswers(session, options, answers, (value) =>
      (value as [string, string][]).map(([item, status]) => `${item}=${status}`),
    );
  },
});

const rule = '-'.repeat(48);

export const restrictedCommand = command({
  arguments: [one('unknown'), many('node')],
  options: [o.sync, o.priority, o.submit, o.printJobId, o.showMachineNames, o.nodeGroup],
  usage: '<command> <node-name>...',
  description: 'Executes a restricted command on node(s)',
  run: async (session, options, args) => {
    const [name = '', ...names] = args;
    if (names.length === 0 && options.nodegroup === null) {
      throw prerequisiteFailure('Node group or node names must be given', ErrorCode.invalid);
    }
    const nodes = await onlineNodes(session, { names, group: options.nodegroup });
    const opcode = opcodeOf(RestrictedCommand, { command: name, nodes, use_locking: options.do_locking });
    const results = (await submit(session, opcode, options)) as [boolean, string][];
    results.forEach(([success, text], index) => {
      const node = nodes[index]!;
      session.print(rule);
      if (!success) session.print(text);
      else if (options.show_machine_names) {
        session.printLines(
          text
            .replace(/\n$/, '')
            .split('\n')
            .map((line) => `${node}: ${line}`),
        );
      } else {
        session.print(`Node: ${node}\n${text}`);
      }
    });
    return results.every(([success]) => success) ? ExitCode.success : ExitCode.failure;
  },
});
