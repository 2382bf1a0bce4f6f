/**
 * The lab of user-mode-Linux nodes as a test drives it: a thin hand on `lab/uml`, which does the work and
 * which people use in the same way. Commands are argument lists from end to end; nothing is split again.
 */
import { resolve } from 'node:path';
import { pollUntil } from '../../src/kit/clock.ts';
import { Failure } from '../../src/kit/failure.ts';
import { describeFailure, type ProcessResult, runProcess } from '../../src/kit/process.ts';
import { type NodeState, parseStatus } from './status.ts';

const program = resolve(import.meta.dirname, '..', 'uml');

export interface UmlLabOptions {
  /** Labs with different names run side by side; `lab` is the one that people use. */
  readonly name?: string;
  /** Where downloads and the nodes' disks live; must not be under /tmp or /run, which nodes hide. */
  readonly directory?: string;
}

export interface BootOptions {
  readonly nodes?: number;
  readonly memoryMiB?: number;
  /** Size of each node's volume group xenvg. */
  readonly volumeMiB?: number;
  /** Throws away the disks that an earlier lab of this name left. */
  readonly fresh?: boolean;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** The command is given up after this time (120,000 when not said); on the node it may run on. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type Network = 'primary' | 'secondary';

/** A node as a person calls it: `node2`, its full name, or its number. */
export type NodeName = string | number;

/** The arguments of `lab/uml up`. */
export function bootArguments(options: BootOptions): string[] {
  const numbers = [
    ['-n', options.nodes],
    ['-m', options.memoryMiB],
    ['-d', options.volumeMiB],
  ] as const;
  return [
    'up',
    ...numbers.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)])),
    ...(options.fresh === true ? ['--fresh'] : []),
  ];
}

export class UmlLab {
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: UmlLabOptions = {}) {
    this.#environment = {
      ...(options.name === undefined ? {} : { GANTRY_LAB_NAME: options.name }),
      ...(options.directory === undefined ? {} : { GANTRY_LAB_DIR: options.directory }),
    };
  }

  /** Boots what is down and returns when all nodes are ready; the first time it fetches kernels. */
  async up(options: BootOptions = {}): Promise<void> {
    await this.#command(bootArguments(options), 900_000);
  }

  /** Runs a command on a node, whatever its exit code; a node that is down gives 1, a lost one 255. */
  run(node: NodeName, argv: readonly string[], options: RunOptions = {}): Promise<ProcessResult> {
    if (argv.length === 0) throw new Failure('ProgrammerError', ['run needs a command']);
    return runProcess([program, 'run', String(node), ...argv], {
      timeoutMs: 120_000,
      ...options,
      env: this.#environment,
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

  /** Like `output` for a script of a few lines; `$1`, `$2` … are the arguments after it. */
  script(node: NodeName, text: string, ...parameters: readonly string[]): Promise<string> {
    return this.output(node, ['sh', '-euc', text, 'script', ...parameters]);
  }

  /**
   * The first value that `find` makes of a command's standard output, asked again every half second.
   * @throws Failure TimeoutError with the last output when there is none within `timeoutMs`
   */
  async waitFor<T>(
    node: NodeName,
    argv: readonly string[],
    find: (output: string) => T | undefined,
    timeoutMs = 60_000,
  ): Promise<T> {
    let last = '';
    const value = await pollUntil(
      async () => {
        last = (await this.run(node, argv)).stdout;
        return find(last);
      },
      { everyMs: 500, timeoutMs },
    );
    if (value === undefined)
      throw new Failure('TimeoutError', [`node ${node}: ${argv.join(' ')} still prints: ${last}`]);
    return value;
  }

  /** Copies a file or folder of this machine to a node. */
  async put(node: NodeName, local: string, remote: string): Promise<void> {
    await this.#command(['put', String(node), local, remote], 300_000);
  }

  async get(node: NodeName, remote: string, local: string): Promise<void> {
    await this.#command(['get', String(node), remote, local], 300_000);
  }

  /** Pulls the plug. Returns when no process of the node is left. */
  async kill(node: NodeName): Promise<void> {
    await this.#command(['kill', String(node)], 60_000);
  }

  /** Boots a node again with its disks, its cables plugged in; returns when it is ready. */
  async start(node: NodeName): Promise<void> {
    await this.#command(['start', String(node)], 300_000);
  }

  /** Takes one or both networks away; `run` still reaches the node. */
  async cut(node: NodeName, ...network: readonly Network[]): Promise<void> {
    await this.#command(['cut', String(node), ...network], 60_000);
  }

  async join(node: NodeName, ...network: readonly Network[]): Promise<void> {
    await this.#command(['join', String(node), ...network], 60_000);
  }

  /** What the node's kernel and init have printed since its last boot. */
  console(node: NodeName): Promise<string> {
    return this.#command(['console', String(node)], 60_000);
  }

  /** Runs a command of this machine inside the nodes' network, at address 10.77.0.1. */
  lan(argv: readonly string[], options: RunOptions = {}): Promise<ProcessResult> {
    return runProcess([program, 'lan', ...argv], {
      timeoutMs: 120_000,
      ...options,
      env: this.#environment,
    });
  }

  async status(): Promise<NodeState[]> {
    return parseStatus(await this.#command(['status'], 60_000));
  }

  /** Stops all nodes; `wipe` also removes their disks and networks. The downloads stay for the next lab. */
  async down(options: { readonly wipe?: boolean } = {}): Promise<void> {
    await this.#command(['down', ...(options.wipe === true ? ['--wipe', '--keep-downloads'] : [])], 120_000);
  }

  async #command(argv: readonly string[], timeoutMs: number): Promise<string> {
    const result = await runProcess([program, ...argv], { timeoutMs, env: this.#environment });
    if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
    return result.stdout;
  }
}
