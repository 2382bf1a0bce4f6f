/** ssh and scp to nodes of the cluster, with the cluster's own host key and known_hosts file (ssh.SshRunner). */
import { isIPv6 } from 'node:net';
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

/** ssh's arguments. `command` is read by the shell of the other side. */
export function sshCommand(
  paths: Paths,
  remote: RemoteHost,
  user: string,
  command: string,
  options: SshOptions = {},
): [string, ...string[]] {
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
  const result = await session.run(sshCommand(session.paths, remote, 'root', command));
  return { code: result.code, output: result.stdout + result.stderr };
}

/** Copies a file to the same path on another node; whether that worked. */
export async function copyToNode(session: Session, remote: RemoteHost, file: string): Promise<boolean> {
  const host = isIPv6(remote.host) ? `[${remote.host}]` : remote.host;
  const options = withoutEscape(sshOptions(session.paths, remote, true));
  const result = await session.run(['scp', '-p', ...options, file, `${host}:${file}`]);
  return result.code === 0;
}
