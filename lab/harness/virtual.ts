/**
 * A virtual cluster as a test drives it: many real daemons on loopback addresses, a thin hand on `lab/virtual`,
 * which does the work and which people use in the same way. Each cluster has a folder of its own below the
 * temporary folder and a loopback network of its own, so that many run side by side. Needs no root.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pollUntil } from '../../src/kit/clock.ts';
import { runningPid } from '../../src/kit/daemon.ts';
import { Failure } from '../../src/kit/failure.ts';
import { type Paths, pathsFor } from '../../src/kit/paths.ts';
import { describeFailure, type ProcessResult, runProcess } from '../../src/kit/process.ts';
import { connectLuxi, type LuxiClient } from '../../src/luxi/client.ts';

const program = resolve(import.meta.dirname, '..', 'virtual');
/** A cluster holds this port of its network's first address: whoever wants the network as well can't have it. */
const claimPort = 1810;
const firstNetwork = 100;
const lastNetwork = 250;
const defaultTimeoutMs = 60_000;
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface VirtualOptions {
  readonly nodes?: number;
  /** Make a cluster of the nodes; yes when not said. */
  readonly init?: boolean;
}

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A node as a person calls it: `node2`, or its number. */
export type NodeName = string | number;

const shortName = (node: NodeName) => (typeof node === 'number' ? `node${node}` : node);

function listenOn(host: string): Promise<Server | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen({ host, port: claimPort, exclusive: true }, () => {
      server.unref();
      done(server);
    });
  });
}

/** The third part of a loopback network that nobody uses, and the claim on it. */
async function claimNetwork(): Promise<{ readonly network: number; readonly claim: Server }> {
  const start = process.pid % (lastNetwork - firstNetwork);
  for (let step = 0; step < lastNetwork - firstNetwork; step += 1) {
    const network = firstNetwork + ((start + step) % (lastNetwork - firstNetwork));
    const claim = await listenOn(`127.${network}.0.1`);
    if (claim !== undefined) return { network, claim };
  }
  throw new Failure('GenericError', ['every loopback network for virtual clusters is in use']);
}

export class VirtualLab {
  readonly directory: string;
  readonly network: number;
  readonly #claim: Server;
  readonly #nodes: number;
  readonly #clients: LuxiClient[] = [];
  readonly #wipe = () => {
    // The test process ends without `down`: no daemon may stay behind.
    spawnSync(program, ['down', '--wipe'], { env: { ...process.env, ...this.environment } });
  };
  readonly #endBySignal = (signal: NodeJS.Signals) => {
    this.#wipe();
    process.kill(process.pid, signal);
  };

  private constructor(directory: string, network: number, claim: Server, nodes: number) {
    this.#nodes = nodes;
    this.directory = directory;
    this.network = network;
    this.#claim = claim;
    process.once('exit', this.#wipe);
    for (const signal of endingSignals) process.once(signal, this.#endBySignal);
  }

  /** Makes the nodes, and a cluster of them unless told otherwise. */
  static async up({ nodes = 3, init = true }: VirtualOptions = {}): Promise<VirtualLab> {
    const { network, claim } = await claimNetwork();
    const lab = new VirtualLab(await mkdtemp(join(tmpdir(), 'gantry-virtual-')), network, claim, nodes);
    try {
      await lab.#command(['up', '-n', String(nodes)]);
      if (init) await lab.initialise();
    } catch (error) {
      await lab.down();
      throw error;
    }
    return lab;
  }

  /** Makes one cluster of nodes that were brought up without. */
  async initialise(): Promise<void> {
    await this.#command(['up', '-n', String(this.#nodes), '--init']);
  }

  /** Ends every daemon; the files stay. */
  halt = () => this.#command(['down']);

  get environment(): Readonly<Record<string, string>> {
    return { GANTRY_VIRTUAL_DIR: this.directory, GANTRY_VIRTUAL_NET: String(this.network) };
  }

  /** What a process of the node has in its environment. */
  nodeEnvironment(node: NodeName): Readonly<Record<string, string>> {
    return { GANETI_ROOTDIR: this.root(node), GANETI_HOSTNAME: this.hostName(node) };
  }

  root(node: NodeName): string {
    return join(this.directory, shortName(node));
  }

  hostName(node: NodeName): string {
    return `${shortName(node)}.virtual.example`;
  }

  /** Primary address of the node. */
  address(node: NodeName): string {
    return `127.${this.network}.0.${10 + Number(shortName(node).slice('node'.length))}`;
  }

  paths(node: NodeName): Paths {
    return pathsFor(this.nodeEnvironment(node));
  }

  /** Runs a command on a node, whatever its exit code. */
  run(node: NodeName, argv: readonly string[], options: RunOptions = {}): Promise<ProcessResult> {
    return runProcess([program, 'run', shortName(node), ...argv], {
      timeoutMs: defaultTimeoutMs,
      ...options,
      env: { ...this.environment, ...options.env },
    });
  }

  /**
   * Standard output of a command on a node.
   * @throws Failure CommandError when it exits with anything but 0
   */
  async output(node: NodeName, argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await this.run(node, argv, options);
    if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
    return result.stdout;
  }

  /** Pulls the plug. */
  kill = (node: NodeName) => this.#command(['kill', shortName(node)]);
  /** Boots a node again; returns when its daemons have been started. */
  start = (node: NodeName) => this.#command(['start', shortName(node)]);
  /** Its daemons stand still: nobody gets an answer. */
  cut = (node: NodeName) => this.#command(['cut', shortName(node)]);
  join = (node: NodeName) => this.#command(['join', shortName(node)]);

  /** A connection to the node's master daemon, closed with the lab. */
  async luxi(node: NodeName): Promise<LuxiClient> {
    const client = await connectLuxi(this.paths(node).querySocket);
    this.#clients.push(client);
    return client;
  }

  /** The process that runs a daemon on the node. */
  daemonPid(node: NodeName, daemon: string): number | undefined {
    return runningPid(`${this.paths(node).runDir}/${daemon}.pid`, daemon);
  }

  /**
   * kill -9 for a daemon.
   * @returns the process id that it had
   */
  killDaemon(node: NodeName, daemon: string): number {
    const pid = this.daemonPid(node, daemon);
    if (pid === undefined) throw new Failure('GenericError', [`${daemon} doesn't run on ${shortName(node)}`]);
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  /** Waits until the daemon runs as another process than `before`. */
  async waitForDaemon(node: NodeName, daemon: string, before?: number, timeoutMs = 30_000): Promise<number> {
    const probe = async () => {
      const pid = this.daemonPid(node, daemon);
      return pid === before ? undefined : pid;
    };
    const pid = await pollUntil(probe, { everyMs: 25, timeoutMs });
    if (pid === undefined)
      throw new Failure('TimeoutError', [`${daemon} of ${shortName(node)} did not come back`]);
    return pid;
  }

  /** Waits until the node's master daemon answers. */
  async waitForMaster(node: NodeName, timeoutMs = 30_000): Promise<void> {
    const probe = async () => {
      const client = await connectLuxi(this.paths(node).querySocket).catch(() => undefined);
      const answer = await client?.call('QueryConfigValues', [['cluster_name']]).catch(() => undefined);
      client?.close();
      return answer === undefined ? undefined : true;
    };
    if ((await pollUntil(probe, { everyMs: 25, timeoutMs })) === undefined)
      throw new Failure('TimeoutError', [`the master daemon of ${shortName(node)} does not answer`]);
  }

  /**
   * Waits until a job has ended.
   * @returns its status
   */
  async waitForJob(node: NodeName, job: number, timeoutMs = 60_000): Promise<string> {
    const final = ['success', 'error', 'canceled'];
    const probe = async () => {
      const client = await connectLuxi(this.paths(node).querySocket).catch(() => undefined);
      const rows = await client?.call('QueryJobs', [[job], ['status']]).catch(() => undefined);
      client?.close();
      const found = (rows as (string[] | null)[] | undefined)?.[0]?.[0];
      return found !== undefined && final.includes(found) ? found : undefined;
    };
    const status = await pollUntil(probe, { everyMs: 50, timeoutMs });
    if (status === undefined) throw new Failure('TimeoutError', [`job ${job} has not ended`]);
    return status;
  }

  /** A daemon's log of the node. */
  log(node: NodeName, name: string): Promise<string> {
    return readFile(`${this.paths(node).logDir}/${name}.log`, 'utf8').catch(() => '');
  }

  /** Ends every daemon and removes every file. */
  async down(): Promise<void> {
    process.removeListener('exit', this.#wipe);
    for (const signal of endingSignals) process.removeListener(signal, this.#endBySignal);
    for (const client of this.#clients) client.close();
    await this.#command(['down', '--wipe']);
    await rm(this.directory, { recursive: true, force: true });
    this.#claim.close();
  }

  async #command(argv: readonly string[]): Promise<void> {
    const result = await runProcess([program, ...argv], { timeoutMs: 120_000, env: this.environment });
    if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
  }
}
