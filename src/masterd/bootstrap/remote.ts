/**
 * Runs one of the project's programs on a host that isn't a node yet: over SSH, or for a virtual node as a
 * process of this machine with that node's environment.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { executionFailure } from '../../kit/failure.ts';
import type { Paths } from '../../kit/paths.ts';
import { describeFailure, type ProcessResult, runProcess } from '../../kit/process.ts';
import { programPath } from '../../kit/programs.ts';

export interface RemoteHost {
  readonly name: string;
  readonly ip: string;
  readonly sshPort: number;
  /** Ask about a host key that root doesn't know (on), or take it (off). */
  readonly keyCheck: boolean;
}

const timeoutMs = 120_000;

/** The folder of a virtual node beside this one: named after the first part of its host name. */
function virtualWrapper(paths: Paths, host: string): string | undefined {
  if (paths.root === '') return undefined;
  const wrapper = join(dirname(paths.root), host.split('.')[0]!, 'cmd');
  return existsSync(wrapper) ? wrapper : undefined;
}

function sshArguments(paths: Paths, { name, sshPort, keyCheck, ip }: RemoteHost): string[] {
  return [
    'ssh',
    '-oEscapeChar=none',
    '-oHashKnownHosts=no',
    `-oGlobalKnownHostsFile=${paths.knownHosts}`,
    ...(keyCheck ? [] : ['-oUserKnownHostsFile=/dev/null']),
    '-oCheckHostIp=no',
    '-oConnectTimeout=10',
    '-oNumberOfPasswordPrompts=3',
    `-oPort=${sshPort}`,
    `-oStrictHostKeyChecking=${keyCheck ? 'ask' : 'no'}`,
    '-oLogLevel=ERROR',
    ip.includes(':') ? '-6' : '-4',
    `root@${name}`,
  ];
}

/**
 * @param program one of bin/, expected at the same place there
 * @throws Failure OpExecError with what the program said
 */
export async function runOn(
  paths: Paths,
  host: RemoteHost,
  program: string,
  args: readonly string[],
  input: string,
): Promise<ProcessResult> {
  const path = programPath(program);
  const wrapper = virtualWrapper(paths, host.name);
  // SSH hands one string to a shell over there: only the project's own path and plain words are in it.
  const argv =
    wrapper === undefined
      ? [...sshArguments(paths, host), [path, ...args].join(' ')]
      : [wrapper, path, ...args];
  const result = await runProcess(argv, { input, timeoutMs, keepsTerminal: wrapper === undefined });
  if (result.code !== 0) {
    throw executionFailure(
      result.code === 255 && wrapper === undefined
        ? `Can't reach ${host.name} over SSH as root: ${(result.stderr || result.stdout).trim()}. Check that 'ssh root@${host.name}' works from here`
        : `Setting up ${host.name} failed: ${describeFailure({ ...result, argv: [program, ...args] })}`,
    );
  }
  return result;
}
