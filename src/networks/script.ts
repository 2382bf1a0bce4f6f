/**
 * The administrator's own scripts for network interfaces. A script goes before what is built in; it is
 * looked for as Ganeti does: by mode and action below network/ in the configuration folder, the older
 * single script kvm-vif-bridge for bringing an interface up, and kvm-ifup-os for interfaces on which guest
 * and host talk to each other.
 */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../kit/failure.ts';
import { runProcess } from '../kit/process.ts';
import type { NetworkAbout, NetworkContext, NicOnHost } from './contract.ts';

export type NicAction = 'up' | 'down';

/** One interface of one guest. */
export interface NicWish {
  readonly instance: string;
  readonly instanceTags: readonly string[];
  readonly index: number;
  readonly nic: NicOnHost;
  /** Interface on the host. */
  readonly device: string;
  /** While a guest arrives: before or after it did. */
  readonly phase?: 'pre' | 'post';
}

/** Beginning of the names of interfaces for talk between guest and host. */
export const communicationPrefix = 'gnt.com.';
/** Beginning of the names of NICs on which guest and host talk (INSTANCE_COMMUNICATION_NIC_PREFIX). */
export const communicationNicPrefix = 'ganeti:communication:';

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Variables that describe the NIC's network (objects.Network.HooksDict). Pure. */
function networkVariables(network: Readonly<Record<string, unknown>>): Record<string, string | undefined> {
  const tags = Array.isArray(network.tags) ? network.tags.join(' ') : '';
  return {
    NETWORK_NAME: text(network.name) ?? '',
    NETWORK_UUID: text(network.uuid) ?? '',
    NETWORK_TAGS: tags,
    NETWORK_SUBNET: text(network.subnet),
    NETWORK_GATEWAY: text(network.gateway),
    NETWORK_SUBNET6: text(network.subnet6),
    NETWORK_GATEWAY6: text(network.gateway6),
    NETWORK_MAC_PREFIX: text(network.macPrefix),
  };
}

/** The environment of a script (hv_base.ConfigureNIC). Pure. */
export function scriptVariables(
  about: NetworkAbout,
  wish: NicWish,
  action: NicAction,
): Record<string, string> {
  const { nic } = wish;
  const all: Record<string, string | undefined> = {
    PATH: '/sbin:/bin:/usr/sbin:/usr/bin',
    INSTANCE: wish.instance,
    MAC: nic.mac,
    MODE: nic.mode,
    INTERFACE: wish.device,
    INTERFACE_INDEX: String(wish.index),
    INTERFACE_UUID: nic.uuid,
    INTERFACE_NAME: text(nic.name),
    TAGS: wish.instanceTags.join(' '),
    ACTION: action,
    IP: text(nic.ip),
    LINK: text(nic.link),
    VLAN: nic.vlan,
    BRIDGE: about.linkIsBridge ? nic.link : undefined,
    MIGRATION_PHASE: wish.phase,
    ...(nic.network === null ? {} : networkVariables(nic.network)),
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The administrator's script for this interface and action, or null where there is none. */
export async function findScript(
  context: NetworkContext,
  about: NetworkAbout,
  wish: NicWish,
  action: NicAction,
): Promise<string | null> {
  const { paths } = context;
  const candidates: string[] = [];
  if (wish.device.startsWith(communicationPrefix)) candidates.push(join(paths.configDir, 'kvm-ifup-os'));
  candidates.push(join(paths.configDir, 'network', about.name, action));
  if (action === 'up') candidates.push(paths.kvmIfup);
  for (const candidate of candidates) if (await executable(candidate)) return candidate;
  return null;
}

/** So a script that calls kvm-nic-setup to have the usual done isn't called by it again. */
const calledByUs = { GANTRY_OWN_SCRIPT: '1' };

/** @throws Failure HypervisorError with what the script said */
export async function runNicScript(
  script: string,
  about: NetworkAbout,
  wish: NicWish,
  action: NicAction,
): Promise<void> {
  const result = await runProcess([script, wish.device], {
    env: { ...scriptVariables(about, wish, action), ...calledByUs },
    cleanEnvironment: true,
    timeoutMs: 120_000,
  });
  if (result.code === 0) return;
  const end = result.timedOut ? 'timeout of 120 seconds exceeded' : `exited with exit code ${result.code}`;
  throw new Failure('HypervisorError', [
    `Failed to configure interface ${wish.device}: ${end}; network configuration script output: ${(result.stdout + result.stderr).trim()}`,
  ]);
}
