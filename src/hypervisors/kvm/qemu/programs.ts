/**
 * What a QEMU program is able to do, asked of the program itself and remembered until it is replaced:
 * version, machine types, device drivers. The readers of its output are pure.
 */
import { stat } from 'node:fs/promises';
import { Failure } from '../../../kit/failure.ts';
import { describeFailure, runProcess } from '../../../kit/process.ts';

export type QemuVersion = readonly [major: number, minor: number, revision: number];

export interface QemuFacts {
  readonly version: QemuVersion;
  readonly machines: readonly string[];
  /** The machine type that it takes by itself. */
  readonly defaultMachine: string;
  readonly deviceDrivers: ReadonlySet<string>;
  readonly spice: boolean;
}

export function versionText(version: QemuVersion): string {
  return version.join('.');
}

/** At least `major.minor`? */
export function isAtLeast(version: QemuVersion, major: number, minor = 0): boolean {
  return version[0] > major || (version[0] === major && version[1] >= minor);
}

/** From the first line of `--version` or `--help`. */
export function parseVersion(output: string): QemuVersion {
  const match = /\b(\d+)\.(\d+)(?:\.(\d+))?\b/.exec(output.split('\n')[0] ?? '');
  if (match === null) throw new Failure('HypervisorError', ['Unable to get KVM version']);
  return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** From `-machine ?`: the names, and the one marked as default. */
export function parseMachines(output: string): { machines: string[]; defaultMachine: string } {
  const lines = output.split('\n').slice(1);
  const machines = lines.flatMap((line) => /^(\S+)\s/.exec(line)?.[1] ?? []);
  const defaultLine = lines.find((line) => line.includes('(default)'));
  return { machines, defaultMachine: /^(\S+)/.exec(defaultLine ?? '')?.[1] ?? 'pc' };
}

/** From `-device ?`. */
export function parseDeviceDrivers(output: string): Set<string> {
  return new Set([...output.matchAll(/^name "([^"]+)"/gm)].map((match) => match[1]!));
}

async function ask(program: string, argument: readonly string[]): Promise<string> {
  const result = await runProcess([program, ...argument], { timeoutMs: 60_000 });
  if (result.code !== 0) {
    throw new Failure('HypervisorError', [
      `Unable to get KVM ${argument.join(' ')} output: ${describeFailure(result)}`,
    ]);
  }
  return result.stdout;
}

async function askFacts(program: string): Promise<QemuFacts> {
  const [help, machines, devices] = await Promise.all([
    ask(program, ['--help']),
    ask(program, ['-machine', '?']),
    ask(program, ['-device', '?']),
  ]);
  return {
    version: parseVersion(help),
    ...parseMachines(machines),
    deviceDrivers: parseDeviceDrivers(devices),
    spice: /^-spice\s/m.test(help),
  };
}

/** Asks each program once for as long as its file stays the same. */
export class QemuPrograms {
  readonly #known = new Map<string, { readonly file: string; readonly facts: Promise<QemuFacts> }>();

  /** @throws Failure HypervisorError when there is no such program or it doesn't answer */
  async facts(program: string): Promise<QemuFacts> {
    const found = await stat(program).catch(() => null);
    if (found === null)
      throw new Failure('HypervisorError', [`The KVM binary ('${program}') does not exist`]);
    const file = `${found.dev}:${found.ino}:${found.mtimeMs}`;
    const known = this.#known.get(program);
    if (known?.file === file) return known.facts;
    const facts = askFacts(program);
    this.#known.set(program, { file, facts });
    facts.catch(() => this.#known.delete(program));
    return facts;
  }
}
