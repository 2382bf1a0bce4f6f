/** LXC's commands on one node: what is installed, who runs, what a container's control group says. */
import { access, readFile } from 'node:fs/promises';
import { Failure } from '../../kit/failure.ts';
import { describeFailure, type ProcessResult, runProcess } from '../../kit/process.ts';
import { parseCpuMask } from '../checks.ts';
import type { RunningGuest } from '../contract.ts';
import { isAtLeast, type LxcFacts, parseLxcVersion } from './config.ts';

const commands = ['lxc-cgroup', 'lxc-console', 'lxc-ls', 'lxc-start', 'lxc-stop', 'lxc-wait'];

/** Names of control group files by what they say, for both versions. */
interface GroupFiles {
  readonly memory: string;
  readonly cpus: string;
  readonly time: string;
}

export function groupFiles(cgroup: 1 | 2): GroupFiles {
  return cgroup === 2
    ? { memory: 'memory.max', cpus: 'cpuset.cpus.effective', time: 'cpu.stat' }
    : { memory: 'memory.limit_in_bytes', cpus: 'cpuset.cpus', time: 'cpuacct.usage' };
}

/** Seconds from cpuacct.usage (nanoseconds) or cpu.stat (usage_usec). Pure. */
export function parseCpuUsage(text: string): number {
  const micro = /^usage_usec (\d+)/m.exec(text)?.[1];
  if (micro !== undefined) return Number(micro) / 1e6;
  return Number(text.trim()) / 1e9 || 0;
}

export class LxcTool {
  readonly #folder: string;
  readonly #system: string;

  /** `folder` ends in a slash when the commands are to be taken from there; `system` is where /proc and /sys lie. */
  constructor(folder = '', system = '') {
    this.#folder = folder;
    this.#system = system;
  }

  run(command: string, argument: readonly string[], timeoutMs?: number): Promise<ProcessResult> {
    return runProcess(
      [`${this.#folder}${command}`, ...argument],
      timeoutMs === undefined ? {} : { timeoutMs },
    );
  }

  /** @throws Failure HypervisorError */
  async output(command: string, argument: readonly string[]): Promise<string> {
    const result = await this.run(command, argument);
    if (result.code !== 0) throw new Failure('HypervisorError', [describeFailure(result)]);
    return result.stdout;
  }

  async facts(): Promise<LxcFacts> {
    const version = parseLxcVersion(await this.output('lxc-start', ['--version']));
    const there = (path: string) =>
      access(`${this.#system}${path}`).then(
        () => true,
        () => false,
      );
    const cgroup = (await there('/sys/fs/cgroup/cgroup.controllers')) ? 2 : 1;
    const swapLimit = await there('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes');
    return { version, cgroup, swapLimit };
  }

  async runningNames(): Promise<string[]> {
    const listed = await this.run('lxc-ls', ['--running']);
    if (listed.code !== 0) {
      throw new Failure('HypervisorError', [
        `Failed to get running LXC containers list: ${describeFailure(listed)}`,
      ]);
    }
    return listed.stdout.split(/\s+/).filter((name) => name !== '');
  }

  group(name: string, key: string): Promise<string> {
    return this.output('lxc-cgroup', ['-n', name, key]);
  }

  async setGroup(name: string, key: string, value: string): Promise<void> {
    await this.output('lxc-cgroup', ['-n', name, key, value]);
  }

  async report(name: string): Promise<RunningGuest> {
    const files = groupFiles((await this.facts()).cgroup);
    const [memory, cpus, time] = await Promise.all([
      this.group(name, files.memory),
      this.group(name, files.cpus),
      this.group(name, files.time),
    ]);
    const bytes = Number(memory.trim());
    return {
      name,
      memory: Number.isFinite(bytes) ? Math.floor(bytes / 1024 ** 2) : 0,
      vcpus: parseCpuMask(cpus.trim())?.length ?? 0,
      state: 'running',
      time: parseCpuUsage(time),
    };
  }

  /** What is missing, or too old: one sentence each. */
  async faults(): Promise<string[]> {
    const faults: string[] = [];
    for (const command of commands) {
      const result = await this.run(command, ['--version']).catch(() => null);
      if (result === null || result.code !== 0) {
        faults.push(`Required command ${command} not found`);
        continue;
      }
      const version = parseLxcVersion(result.stdout);
      if (!isAtLeast(version, 1, 0)) {
        faults.push(
          `LXC version >= 1.0.0 is required but command ${command} has version ${version.join('.')}`,
        );
      }
    }
    return faults;
  }

  /** Control groups of version 1 that must be mounted, and aren't. */
  async missingGroups(extra: string): Promise<string[]> {
    const mounts = await readFile(`${this.#system}/proc/self/mounts`, 'utf8');
    if (/ cgroup2 /.test(mounts)) return [];
    const wanted = [
      'cpuset',
      'memory',
      'devices',
      'cpuacct',
      ...extra.split(',').filter((name) => name !== ''),
    ];
    const mounted = mounts.split('\n').flatMap((line) => {
      const [, , type, options = ''] = line.split(' ');
      return type === 'cgroup' ? options.split(',') : [];
    });
    return wanted.filter((name) => !mounted.includes(name));
  }
}
