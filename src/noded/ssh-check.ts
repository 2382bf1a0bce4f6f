/** Whether this node's root can log in to its peers, as copying files and adding nodes do; and what of old keys is left. */
import { join } from 'node:path';
import type { Paths } from '../kit/paths.ts';
import { runProcess } from '../kit/process.ts';
import { readText, sshFolder } from '../kit/ssh-keys.ts';

interface Peer {
  readonly name: string;
  readonly port: number;
}

/** Seconds that a peer has to let us in. */
const patienceSeconds = 10;

async function faultOf(paths: Paths, cluster: string, { name, port }: Peer): Promise<string | undefined> {
  const options = [
    'BatchMode=yes',
    'HashKnownHosts=no',
    'StrictHostKeyChecking=yes',
    'CheckHostIP=no',
    `GlobalKnownHostsFile=${paths.knownHosts}`,
    'UserKnownHostsFile=/dev/null',
    `HostKeyAlias=${cluster}`,
    `ConnectTimeout=${patienceSeconds}`,
  ];
  const argv = ['ssh', '-q', '-p', String(port), ...options.flatMap((option) => ['-o', option])];
  const result = await runProcess([...argv, `root@${name}`, '--', 'hostname', '--fqdn'], {
    timeoutMs: 2 * patienceSeconds * 1000,
  });
  if (result.timedOut) return 'ssh problem: no answer in time';
  if (result.code !== 0) {
    const said = `${result.stderr}${result.stdout}`.trim();
    return `ssh problem: ${said === '' ? `exit code ${result.code}` : said}`;
  }
  const found = result.stdout.trim();
  const isSame = found === name || name.startsWith(`${found}.`);
  return isSame ? undefined : `hostname mismatch, expected ${name} but got ${found}`;
}

/** @returns peer to what went wrong; peers that let us in are left out */
export async function sshFaults(
  paths: Paths,
  { cluster, peers }: { readonly cluster: string; readonly peers: readonly Peer[] },
): Promise<Record<string, string>> {
  const faults = await Promise.all(peers.map((peer) => faultOf(paths, cluster, peer)));
  return Object.fromEntries(
    peers.flatMap(({ name }, index) => (faults[index] === undefined ? [] : [[name, faults[index]]])),
  );
}

/** Users of whom more than one key may log in: the older ones were left behind. */
export function clutterIn(authorizedKeys: string): string[] {
  const keys = new Map<string, Set<string>>();
  for (const line of authorizedKeys.split('\n')) {
    const [type = '', key = '', user = ''] = line.trim().split(/\s+/);
    if (type.startsWith('#') || user === '') continue;
    keys.set(user, (keys.get(user) ?? new Set()).add(`${type} ${key}`));
  }
  return [...keys]
    .filter(([, found]) => found.size > 1)
    .map(
      ([user, found]) =>
        `The authorized_keys file has ${found.size} keys of '${user}': old ones were left behind`,
    );
}

export async function sshClutter({ root }: Pick<Paths, 'root'>): Promise<string[]> {
  return clutterIn((await readText(join(sshFolder(root), 'authorized_keys'))) ?? '');
}
