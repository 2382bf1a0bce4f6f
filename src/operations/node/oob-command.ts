/** OP_OOB_COMMAND: power of nodes, through the program that the site has for it. */

import * as z from 'zod';
import { sleep } from '../../kit/clock.ts';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { compareNicely } from '../../kit/nice-sort.ts';
import { pythonText } from '../../kit/python-text.ts';
import type { Configuration } from '../../model/configuration.ts';
import { masterNode } from '../../model/lookup.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledNode } from '../../model/params/fill.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { OobCommand } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { type JobHandle, operation } from '../operation.ts';
import { fieldChange, setFields } from '../steps/objects.ts';
import { controlPower } from '../steps/power.ts';
import { nodeLocks, wantedNodes } from './wanted.ts';

type Op = OpcodeOf<typeof OobCommand>;
type Command = Op['command'];

/** Status and value of a query's cell (constants.RS_NORMAL, RS_NODATA, RS_UNAVAIL). */
type Entry = [number, unknown];
const normal = 0;
const noData = 2;
const unavailable = 3;

/** Commands that the master is spared. */
const sparingMaster: readonly Command[] = ['power-off', 'power-cycle'];

const Health = z.array(z.tuple([z.string(), z.enum(['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'])]));

interface PowerPlan {
  readonly op: Op;
  readonly configuration: Configuration;
  readonly nodes: readonly Node[];
}

function programOf({ cluster, nodegroups }: Configuration, node: Node): string {
  return filledNode(cluster, nodegroups.get(node.group), node).oob_program;
}

function requireNotMaster(op: Op, configuration: Configuration): void {
  const master = masterNode(configuration);
  const isNamed = wantedNodes(configuration, op.node_names).some(({ uuid }) => uuid === master.uuid);
  if (op.node_names.length === 0 || !isNamed || !sparingMaster.includes(op.command)) return;
  const program = programOf(configuration, master);
  const hint =
    program === ''
      ? 'it does not support out-of-band operations'
      : `run '${program} ${op.command} ${master.name}' if you want to operate on the master regardless`;
  throw prerequisiteFailure(
    `Operating on the master node ${master.name} is not allowed for ${op.command}; ${hint}`,
    ErrorCode.invalid,
  );
}

/** What the program's output means. @throws Failure OpExecError saying what is wrong with it */
function payloadOf(command: Command, output: string): unknown {
  let payload: unknown = null;
  if (output.trim() !== '') {
    try {
      payload = JSON.parse(output);
    } catch (error) {
      throw executionFailure(messageOf(error), error);
    }
  }
  const wrong = (text: string) => executionFailure(`Check of out-of-band payload failed due to ${text}`);
  if (command === 'health') {
    if (!Array.isArray(payload))
      throw wrong(`command 'health' is expected to return a list but got ${typeof payload}`);
    const health = Health.safeParse(payload);
    if (!health.success)
      throw wrong(`health items that are not pairs of a name and a status: ${output.trim()}`);
  } else if (command === 'power-status') {
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
      throw wrong(`power-status is expected to return a dict but got ${typeof payload}`);
  } else if (payload !== null) {
    throw wrong(`${command} is expected to not return payload but got '${pythonText(payload)}'`);
  }
  return payload;
}

/** What is worth a line in the job's log, and in the configuration. */
async function note(command: Command, node: Node, payload: unknown, job: JobHandle): Promise<void> {
  if (command === 'health') {
    for (const [item, status] of payload as z.infer<typeof Health>) {
      if (status === 'WARNING' || status === 'CRITICAL')
        job.warn(`Item '${item}' on node '${node.name}' has status '${status}'`);
    }
  }
  if (command === 'power-status') {
    const { powered } = payload as { readonly powered?: unknown };
    if (powered !== node.powered) {
      job.world.log.warning(
        `Recorded power state (${pythonText(node.powered)}) of node '${node.name}' does not match actual power state (${pythonText(powered)})`,
      );
    }
  }
  if (command === 'power-on' || command === 'power-off') {
    await job.do(setFields, fieldChange('nodes', node, { powered: command === 'power-on' }));
    await job.keep();
  }
}

async function control({ op, configuration }: PowerPlan, node: Node, job: JobHandle): Promise<Entry> {
  const program = programOf(configuration, node);
  if (program === '') return [unavailable, null];
  const { command, timeout } = op;
  let output: string;
  try {
    const master = configuration.cluster.master_node;
    output = await job.do(controlPower, { master, program, command, node: node.name, timeout });
  } catch (error) {
    job.warn(`Out-of-band RPC failed on node '${node.name}': ${reasonOf(error)}`);
    return [noData, null];
  }
  let payload: unknown;
  try {
    payload = payloadOf(command, output);
  } catch (error) {
    job.warn(`Payload returned by node '${node.name}' is not valid: ${reasonOf(error)}`);
    return [noData, null];
  }
  await note(command, node, payload, job);
  return [normal, payload];
}

export const oobCommand = operation({
  opcode: OobCommand,
  steps: [controlPower, setFields],
  locks: (op, configuration) => nodeLocks(configuration, op.node_names, 'exclusive'),
  plan: async (op, { configuration }): Promise<PowerPlan> => {
    requireNotMaster(op, configuration);
    const spared = sparingMaster.includes(op.command) ? configuration.cluster.master_node : undefined;
    const nodes = wantedNodes(configuration, op.node_names).filter(({ uuid }) => uuid !== spared);
    const online = nodes.find(({ offline }) => !offline);
    if (op.command === 'power-off' && !op.ignore_status && online !== undefined) {
      throw prerequisiteFailure(
        `Cannot power off node ${online.name} because it is not marked offline`,
        ErrorCode.state,
      );
    }
    return { op, configuration, nodes: nodes.sort((a, b) => compareNicely(a.name, b.name)) };
  },
  run: async (plan, job) => {
    const result: [Entry, Entry][] = [];
    for (const [index, node] of plan.nodes.entries()) {
      const entry = await control(plan, node, job);
      result.push([[normal, node.name], entry]);
      const isLast = index === plan.nodes.length - 1;
      if (plan.op.command === 'power-on' && entry[0] === normal && !isLast)
        await sleep(plan.op.power_delay * 1000, job.signal);
    }
    return result;
  },
});
