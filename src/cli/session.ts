/**
 * One run of a command: where it writes, whom it asks, and its connection to the master daemon, which is
 * opened with the first request and shared by all that follow.
 */
import { readFileSync } from 'node:fs';
import { ErrorCode, Failure, prerequisiteFailure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import type { ProcessResult } from '../kit/process.ts';
import type { LuxiClient } from '../luxi/client.ts';
import { ask, confirmOperation } from './output/ask.ts';
import type { BootstrapVerb } from './shared/bootstrap.ts';
import type { Terminal } from './terminal.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command runs in; tests hand in their own. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly env: Environment;
  readonly paths: Paths;
  /** Opens LUXI; throws NoMasterError when nobody listens. */
  connect(): Promise<LuxiClient>;
  /** This node's own name. */
  ownName(): Promise<string>;
  /** Runs a program to its end. */
  run(argv: readonly string[]): Promise<Pick<ProcessResult, 'code' | 'stdout' | 'stderr'>>;
  /** Runs a program on this process's own terminal; its exit code. */
  interact(argv: readonly [string, ...string[]]): Promise<number>;
  /** Does on this machine what needs no master (shared/bootstrap.ts). */
  bootstrap(verb: BootstrapVerb, parameters: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** The content of an ssconf file without its end of line; undefined when there is none. */
export function readSsconf(paths: Paths, key: string): string | undefined {
  try {
    return readFileSync(`${paths.dataDir}/ssconf_${key}`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

export class Session {
  readonly program: string;
  /** The command as the user wrote it, alias or not. */
  readonly command: string;
  readonly terminal: Terminal;
  readonly env: Environment;
  readonly paths: Paths;
  readonly #surroundings: Surroundings;
  #client: LuxiClient | undefined;

  constructor(program: string, command: string, surroundings: Surroundings) {
    this.program = program;
    this.command = command;
    this.terminal = surroundings.terminal;
    this.env = surroundings.env;
    this.paths = surroundings.paths;
    this.#surroundings = surroundings;
  }

  /** A line on standard output. */
  print(line: string): void {
    this.terminal.out(`${line}\n`);
  }

  /** Many lines in one write. */
  printLines(lines: readonly string[]): void {
    if (lines.length > 0) this.terminal.out(`${lines.join('\n')}\n`);
  }

  /** A line on standard error. */
  warn(line: string): void {
    this.terminal.err(`${line}\n`);
  }

  ask(question: string): boolean {
    return ask(this.terminal, question);
  }

  confirm(names: readonly string[], kind: string, action: string, extra?: string): boolean {
    return confirmOperation(this.terminal, names, kind, action, extra);
  }

  /** The result of a LUXI method. @throws Failure of the master's class */
  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    this.#client ??= await this.#connect();
    return await this.#client.call(method, args);
  }

  async run(argv: readonly string[]): Promise<Pick<ProcessResult, 'code' | 'stdout' | 'stderr'>> {
    return await this.#surroundings.run(argv);
  }

  async interact(argv: readonly [string, ...string[]]): Promise<number> {
    return await this.#surroundings.interact(argv);
  }

  /** @throws Failure that the verb ended with */
  async bootstrap(verb: BootstrapVerb, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
    return await this.#surroundings.bootstrap(verb, parameters);
  }

  /** Ends the connection; the next request opens another. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #connect(): Promise<LuxiClient> {
    try {
      return await this.#surroundings.connect();
    } catch (error) {
      if (error instanceof Failure && error.errorClass === 'NoMasterError') await this.#explainNoMaster();
      throw error;
    }
  }

  /** Nobody listens here: because there is no cluster, or because its master is another node? */
  async #explainNoMaster(): Promise<void> {
    const master = readSsconf(this.paths, 'master_node');
    if (master === undefined) {
      throw prerequisiteFailure(
        'Cluster not initialized or this machine is not part of a cluster',
        ErrorCode.invalid,
      );
    }
    const own = await this.#surroundings.ownName();
    // A machine may know itself by its short name only.
    if (master !== own && !master.startsWith(`${own}.`)) {
      throw prerequisiteFailure(
        `This is not the master node, please connect to node '${master}' and rerun the command`,
        ErrorCode.invalid,
      );
    }
  }
}
