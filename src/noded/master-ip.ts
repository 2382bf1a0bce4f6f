/**
 * The cluster's address on the master's interface, as Ganeti's tools/master-ip-setup handles it: an address
 * that is up already is fine, one that another machine has is refused, neighbours are told of the change.
 */

import { access, constants } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { describeFailure } from '../kit/process.ts';
import type { StorageHost } from '../storage/host.ts';
import { ownsAddress } from './reachability.ts';

export interface MasterAddress {
  readonly ip: string;
  readonly netmask: number;
  readonly netdev: string;
  /** 2 for IPv4, 10 for IPv6 (AF_INET, AF_INET6). */
  readonly family: number;
  readonly useExternalScript: boolean;
}

/** Runs programs; what StorageHost offers of it. */
type Runner = Pick<StorageHost, 'run' | 'log'>;

function check(address: MasterAddress): void {
  if (!/^[a-zA-Z0-9._-]{1,15}$/.test(address.netdev)) {
    throw new Failure('OpExecError', [`'${address.netdev}' is not the name of a network device`]);
  }
  if (isIPv4(address.ip) !== (address.family === 2)) {
    throw new Failure('OpExecError', [`Invalid cluster IP address '${address.ip}'`]);
  }
}

function failed(action: string, reason: string): Failure {
  return new Failure('OpExecError', [`Could not ${action} the master IP: ${reason}`]);
}

async function runExternal(
  host: Runner,
  paths: Paths,
  address: MasterAddress,
  action: 'start' | 'stop',
): Promise<void> {
  const script = join(paths.configDir, 'scripts', 'master-ip-setup');
  const result = await host.run([script, action], {
    env: {
      MASTER_NETDEV: address.netdev,
      MASTER_IP: address.ip,
      MASTER_NETMASK: String(address.netmask),
      CLUSTER_IP_VERSION: address.family === 2 ? '4' : '6',
    },
    timeoutMs: 50_000,
  });
  if (result.code !== 0)
    throw failed(action === 'start' ? 'activate' : 'deactivate', describeFailure(result));
}

async function isInstalled(program: string): Promise<boolean> {
  for (const folder of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // The next folder may have it.
    }
  }
  return false;
}

async function answersPing(host: Runner, address: MasterAddress): Promise<boolean> {
  if (!(await isInstalled('ping'))) return false;
  const result = await host.run(['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', address.ip], {
    timeoutMs: 10_000,
  });
  return result.code === 0;
}

/** Tells the neighbours that the address is here now; nothing depends on it. */
async function announce(host: Runner, address: MasterAddress): Promise<void> {
  const argv =
    address.family === 2
      ? ['arping', '-q', '-U', '-c', '3', '-I', address.netdev, '-s', address.ip, address.ip]
      : ['ndisc6', '-q', '-r', '3', address.ip, address.netdev];
  if (!(await isInstalled(argv[0]!))) {
    host.log.info(`${argv[0]} is not installed: neighbours learn of the master IP by themselves`);
    return;
  }
  const result = await host.run(argv, { timeoutMs: 15_000 });
  if (result.code !== 0) host.log.warning(describeFailure(result));
}

/** @throws Failure OpExecError */
export async function activateMasterIp(host: Runner, paths: Paths, address: MasterAddress): Promise<void> {
  check(address);
  if (address.useExternalScript) {
    await runExternal(host, paths, address, 'start');
    return;
  }
  // All of 127.0.0.0/8 is this machine: virtual clusters have their addresses there.
  if (await ownsAddress(address.ip)) {
    host.log.info(`Master IP address ${address.ip} already configured on this machine`);
    return;
  }
  if (await answersPing(host, address))
    throw failed('activate', 'master IP address configured on another machine');
  const result = await host.run([
    ...['ip', 'addr', 'add', `${address.ip}/${address.netmask}`],
    ...['dev', address.netdev],
    ...(address.family === 2 ? ['label', `${address.netdev}:0`.slice(0, 15)] : []),
  ]);
  if (result.code !== 0 && !(await ownsAddress(address.ip)))
    throw failed('activate', describeFailure(result));
  await announce(host, address);
  host.log.info(`Master IP address ${address.ip} activated on ${address.netdev}`);
}

/**
 * The device that has the address. Node calls an IPv4 address with a label by that label ("br0:0"), which begins
 * with the device's name and a colon.
 */
export function deviceWith(
  devices: Readonly<Record<string, readonly { readonly address: string }[] | undefined>>,
  ip: string,
): string | undefined {
  const found = Object.entries(devices).find(([, entries]) => entries?.some((entry) => entry.address === ip));
  return found?.[0].split(':')[0];
}

/** @throws Failure OpExecError */
export async function deactivateMasterIp(host: Runner, paths: Paths, address: MasterAddress): Promise<void> {
  check(address);
  if (address.useExternalScript) {
    await runExternal(host, paths, address, 'stop');
    return;
  }
  const device = deviceWith(networkInterfaces(), address.ip);
  if (device !== address.netdev) {
    if (device !== undefined && device !== 'lo') {
      throw failed('deactivate', `it is configured on ${device}, not on ${address.netdev}`);
    }
    host.log.info(`Master IP address ${address.ip} not configured on this machine`);
    return;
  }
  const result = await host.run([
    'ip',
    'addr',
    'del',
    `${address.ip}/${address.netmask}`,
    'dev',
    address.netdev,
  ]);
  if (result.code !== 0) throw failed('deactivate', describeFailure(result));
  host.log.info(`Master IP address ${address.ip} taken off ${address.netdev}`);
}
