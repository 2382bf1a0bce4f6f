/** gnt-cluster epo: stops instances and powers nodes off in an emergency, and brings them back (gnt_cluster.Epo). */
import { connect } from 'node:net';
import { sleep } from '../../../kit/clock.ts';
import { resolveHost } from '../../../kit/resolve.ts';
import { InstanceShutdown, InstanceStartup } from '../../../opcodes/instance.ts';
import { OobCommand } from '../../../opcodes/node.ts';
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { JobExecutor } from '../../jobs/executor.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { type JobOptions, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import type { Cell } from '../../output/query-table.ts';
import type { Session } from '../../session.ts';
import { queryGroups, queryNodes, requireRows } from '../../shared/queries.ts';

interface EpoOptions extends JobOptions {
  readonly oob_timeout: number;
  readonly power_delay: number;
  readonly shutdown_timeout: number;
}

interface NodeState {
  readonly name: string;
  readonly isMaster: boolean;
  readonly instances: readonly string[];
  readonly powered: boolean | null;
  readonly isOffline: boolean;
}

/** Full names of the nodes of each instance that have to be up before it can start. */
type NodesByInstance = Map<string, Set<string>>;

const nodeDaemonPort = 1811;
const pingMs = 1000;
const betweenPingsMs = 30_000;
const reachableMs = 15 * 60_000;

async function nodeStates(session: Session, names: readonly string[]): Promise<NodeState[]> {
  const fields = ['name', 'master', 'pinst_list', 'sinst_list', 'powered', 'offline'];
  const rows = await queryNodes(session, names, fields);
  requireRows('Node', names, rows);
  return rows.map(([name, master, primary, secondary, powered, offline]) => ({
    name: String(name),
    isMaster: Boolean(master),
    instances: [...(primary as string[]), ...(secondary as string[])],
    powered: powered as boolean | null,
    isOffline: Boolean(offline),
  }));
}

/** The master counts as up: the command runs there. */
function nodesByInstance(nodes: readonly NodeState[]): NodesByInstance {
  const result: NodesByInstance = new Map();
  for (const node of nodes.filter(({ isOffline }) => !isOffline)) {
    for (const instance of node.instances) {
      const needed = result.get(instance) ?? new Set();
      if (!node.isMaster) needed.add(node.name);
      result.set(instance, needed);
    }
  }
  return result;
}

async function setPower(
  session: Session,
  options: EpoOptions,
  nodes: readonly string[],
  on: boolean,
): Promise<boolean> {
  const opcode = opcodeOf(OobCommand, {
    node_names: [...nodes],
    command: on ? 'power-on' : 'power-off',
    ignore_status: true,
    timeout: options.oob_timeout,
    power_delay: options.power_delay,
  });
  const answers = (await submitAndWait(session, opcode, options)) as [Cell, Cell][];
  const failed = answers.filter(([, [status]]) => status !== 0);
  for (const [[, name]] of failed) {
    session.warn(`There was a problem changing power for ${String(name)}, please investigate`);
  }
  return failed.length === 0;
}

async function setInstances(
  session: Session,
  options: EpoOptions,
  instances: readonly string[],
  start: boolean,
): Promise<boolean> {
  if (instances.length === 0) return true;
  const executor = new JobExecutor(session, options);
  for (const name of instances) {
    session.print(`Submit ${start ? 'startup' : 'shutdown'} of instance ${name}`);
    const opcode = start
      ? opcodeOf(InstanceStartup, { instance_name: name })
      : opcodeOf(InstanceShutdown, {
          instance_name: name,
          timeout: options.shutdown_timeout,
          no_remember: true,
        });
    executor.queue(name, opcode);
  }
  const outcomes = await executor.results();
  const failed = outcomes.filter(({ success }) => !success).length;
  if (failed === 0) {
    session.print(`All instances have been ${start ? 'started' : 'stopped'} successfully`);
    return true;
  }
  session.warn(
    `There were errors while ${start ? 'starting' : 'stopping'} instances:\n` +
      `${failed} error(s) out of ${outcomes.length} instance(s)`,
  );
  return false;
}

/** Whether something listens for the node daemon's clients there. */
function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: nodeDaemonPort, timeout: pingMs });
    const finish = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(false));
    socket.once('error', () => finish(false));
  });
}

async function reachable(session: Session, nodes: Iterable<string>): Promise<string[]> {
  const found: string[] = [];
  for (const node of nodes) {
    const { ip } = await resolveHost(node, session.paths.etcHosts);
    if (await answers(ip)) found.push(node);
  }
  return found;
}

/** Starts each instance as soon as all its nodes are back; false when something didn't come up. */
async function startAsNodesReturn(
  session: Session,
  options: EpoOptions,
  nodes: readonly string[],
  instances: NodesByInstance,
): Promise<boolean> {
  const down = new Set(nodes);
  const end = Date.now() + reachableMs;
  let isFine = true;
  for (;;) {
    for (const node of await reachable(session, down)) {
      session.print(`Node ${node} became available`);
      down.delete(node);
    }
    const ready = [...instances].filter(([, needed]) => [...needed].every((node) => !down.has(node)));
    for (const [name] of ready) instances.delete(name);
    isFine =
      (await setInstances(
        session,
        options,
        ready.map(([name]) => name),
        true,
      )) && isFine;
    if (down.size === 0) return isFine;
    if (Date.now() >= end) {
      const list = [...down].map((node) => `  - ${node}`).join('\n');
      session.warn(`Time exceeded while waiting for nodes to become reachable again:\n${list}`);
      return false;
    }
    await sleep(betweenPingsMs);
  }
}

async function powerOn(
  session: Session,
  options: EpoOptions,
  nodes: readonly NodeState[],
  controllable: readonly string[],
): Promise<number> {
  if (controllable.length > 0 && !(await setPower(session, options, controllable, true))) {
    session.warn('Not all nodes seem to get back up, investigate and start manually if needed');
  }
  session.print('Waiting until all nodes are available again');
  const names = nodes.map(({ name }) => name);
  if (await startAsNodesReturn(session, options, names, nodesByInstance(nodes))) return ExitCode.success;
  session.warn('Please investigate and start stopped instances manually');
  return ExitCode.failure;
}

async function powerOff(
  session: Session,
  options: EpoOptions,
  nodes: readonly NodeState[],
  controllable: readonly string[],
): Promise<number> {
  if (!(await setInstances(session, options, [...nodesByInstance(nodes).keys()], false))) {
    session.warn('Please investigate and stop instances manually before continuing');
    return ExitCode.failure;
  }
  if (controllable.length === 0) return ExitCode.success;
  return (await setPower(session, options, controllable, false)) ? ExitCode.success : ExitCode.failure;
}

/** Nodes whose power has to change and can be; undefined when the master stands in the way. */
function controllableNodes(
  session: Session,
  nodes: readonly NodeState[],
  on: boolean,
  isAll: boolean,
): string[] | undefined {
  const result: string[] = [];
  for (const { name, isMaster, powered, isOffline } of nodes) {
    if (isMaster && on) continue;
    if (isMaster && !isAll) {
      session.warn(
        `${name} is the master node, please do a master-failover to another node not affected by the EPO or` +
          ' use --all if you intend to shutdown the whole cluster',
      );
      return undefined;
    }
    if (powered === null) {
      session.print(
        `Node ${name} does not support out-of-band handling, it can not be handled in a fully automated manner`,
      );
    } else if (powered === on) {
      session.print(`Node ${name} is already in desired power state, skipping`);
    } else if (!isOffline || powered) {
      result.push(name);
    }
  }
  return result;
}

export const epo = command({
  arguments: [many('unknown')],
  options: [o.force, o.powerOn, o.groups, o.showAll, o.oobTimeout, o.shutdownTimeout, o.powerDelay],
  usage: '[<opts>...] [args]',
  description: 'Performs an emergency power-off on given args',
  run: async (session, options, args) => {
    if (options.groups && options.show_all) {
      session.warn('Only one of --groups or --all are allowed');
      return ExitCode.failure;
    }
    if (args.length > 0 && options.show_all) {
      session.warn('Arguments in combination with --all are not allowed');
      return ExitCode.failure;
    }
    const names = options.groups
      ? (await queryGroups(session, args, ['node_list'])).flatMap(([nodes]) => nodes as string[])
      : args;
    const nodes = await nodeStates(session, names);
    const controllable = controllableNodes(session, nodes, options.on, options.show_all);
    if (controllable === undefined) return ExitCode.failure;
    const all = nodes.map(({ name }) => name);
    if (!options.force && !session.confirm(all, 'nodes', 'epo')) return ExitCode.failure;
    return await (options.on ? powerOn : powerOff)(session, options, nodes, controllable);
  },
});
