/**
 * Commands and files on other nodes: over ssh and scp with the cluster's own host key and known_hosts file
 * (ssh.SshRunner). Virtual nodes stand beside this one on the same machine: they are reached through their
 * `cmd`, which sets their environment.
 */
import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { dirname, join } from 'node:path';
import type { Paths } from '../../kit/paths.ts';
import type { Session } from '../session.ts';

export interface RemoteHost {
  readonly clusterName: string;
  readonly host: string;
  /** null for ssh's own default. */
  readonly port: number | null;
}

export interface SshOptions {
  /** Without -q, so that connection problems are seen. */
  readonly loud?: boolean;
  readonly terminal?: boolean;
}

function sshOptions(paths: Paths, remote: RemoteHost, quiet: boolean): string[] {
  return [
    '-oEscapeChar=none',
    '-oHashKnownHosts=no',
    `-oGlobalKnownHostsFile=${paths.knownHosts}`,
    '-oUserKnownHostsFile=/dev/null',
    '-oCheckHostIp=no',
    '-oConnectTimeout=10',
    `-oHostKeyAlias=${remote.clusterName}`,
    ...(quiet ? ['-q'] : []),
    ...(remote.port === null ? [] : [`-oPort=${remote.port}`]),
    '-oBatchMode=yes',
    '-oStrictHostKeyChecking=yes',
  ];
}

/** Escape sequences would work on the terminal, so scp's option list leaves EscapeChar out. */
const withoutEscape = (options: readonly string[]) =>
  options.filter((option) => !option.startsWith('-oEscape'));

/** The folder of a virtual node beside this one, named after the first part of its host name. */
function virtualNode(paths: Paths, host: string): string | undefined {
  if (paths.root === '') return undefined;
  const folder = join(dirname(paths.root), host.split('.')[0]!);
  return existsSync(join(folder, 'cmd')) ? folder : undefined;
}

/** What runs a command there. `command` is read by the shell of the other side. */
export function remoteCommand(
  paths: Paths,
  remote: RemoteHost,
  user: string,
  command: string,
  options: SshOptions = {},
): [string, ...string[]] {
  const virtual = virtualNode(paths, remote.host);
  if (virtual !== undefined) return [join(virtual, 'cmd'), 'sh', '-c', command];
  return [
    'ssh',
    ...sshOptions(paths, remote, !options.loud),
    ...(options.terminal ? ['-t', '-t'] : []),
    `${user}@${remote.host}`,
    command,
  ];
}

export interface RemoteResult {
  readonly code: number;
  /** Standard output and error. */
  readonly output: string;
}

export async function runRemotely(
  session: Session,
  remote: RemoteHost,
  command: string,
): Promise<RemoteResult> {
  const result = await session.run(remoteCommand(session.paths, remote, 'root', command));
  return { code: result.code, output: result.stdout + result.stderr };
}

/** Copies a file to the same path on another node; whether that worked. */
export async function copyToNode(session: Session, remote: RemoteHost, file: string): Promise<boolean> {
  const virtual = virtualNode(session.paths, remote.host);
  if (virtual !== undefined) {
    const { root } = session.paths;
    // Outside the node's own folder, all virtual nodes see the same file.
    if (!file.startsWith(`${root}/`)) return true;
    return (await session.run(['cp', '-p', '--', file, join(virtual, file.slice(root.length))])).code === 0;
  }
  const host = isIPv6(remote.host) ? `[${remote.host}]` : remote.host;
  const options = withoutEscape(sshOptions(session.paths, remote, true));
  const result = await session.run(['scp', '-p', ...options, file, `${host}:${file}`]);
  return result.code === 0;
}
