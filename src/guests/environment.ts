/**
 * The environment of OS scripts, whole: nothing else is inherited (man page ganeti-os-interface;
 * backend.OSCoreEnv and OSEnvironment). Pure.
 */
import type { Parameters, ParameterValue } from '../model/objects/common.ts';
import { type OsDefinition, splitVariant, spokenVersion, variantsSince } from './definitions.ts';

export type Environment = Readonly<Record<string, string>>;

/** Where programs are looked for by scripts and hooks (constants.HOOKS_PATH). */
export const scriptPath = '/sbin:/bin:/usr/sbin:/usr/bin';

export interface ScriptDisk {
  readonly uuid: string;
  readonly name: string | null;
  /** MiB. */
  readonly size: number;
  readonly mode: 'rw' | 'ro';
  /** Device or file on this node; null when there is only a URI. */
  readonly path: string | null;
  readonly uri: string | null;
  /** "block", or "file:" and how the file is attached; null where neither holds. */
  readonly backend: string | null;
}

export interface ScriptNetwork {
  readonly uuid: string;
  readonly name: string;
  readonly subnet: string;
  readonly gateway: string | null;
  readonly subnet6: string | null;
  readonly gateway6: string | null;
  readonly macPrefix: string | null;
  readonly tags: readonly string[];
}

export interface ScriptNic {
  readonly uuid: string;
  readonly mac: string;
  readonly ip: string | null;
  readonly name: string | null;
  readonly mode: string;
  readonly link: string;
  /** The link is a bridge: told a second time under its old name. */
  readonly isBridge: boolean;
  readonly network: ScriptNetwork | null;
}

/** An instance as scripts are told of it. */
export interface ScriptInstance {
  readonly name: string;
  readonly uuid: string;
  readonly os: string;
  readonly hypervisor: string;
  readonly hvparams: Parameters;
  readonly beparams: Parameters;
  /** Public, private and secret ones together. */
  readonly osparams: Readonly<Record<string, string>>;
  readonly primaryNode: string;
  readonly secondaryNodes: readonly string[];
  readonly ctime: number;
  readonly mtime: number;
  readonly disks: readonly ScriptDisk[];
  readonly nics: readonly ScriptNic[];
}

/** A value as Python's str() writes it, which is what scripts know: True, None, 1.5. */
export function valueText(value: ParameterValue | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

function timeText(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}.0` : String(seconds);
}

/** What every script gets, also `verify`, which knows of no instance. */
export function definitionEnvironment(
  definition: OsDefinition,
  os: string,
  osparams: Readonly<Record<string, string>>,
  debugLevel: number,
): Environment {
  const version = spokenVersion(definition);
  const hasVariants = version >= variantsSince && definition.variants.length > 0;
  const result: Record<string, string> = {
    OS_API_VERSION: String(version),
    OS_NAME: definition.name,
    DEBUG_LEVEL: String(debugLevel),
    OS_VARIANT: hasVariants ? splitVariant(os).variant || definition.variants[0]! : '',
    PATH: scriptPath,
  };
  for (const [name, value] of Object.entries(osparams)) {
    result[`OSP_${name.toUpperCase().replaceAll('-', '_')}`] = value;
  }
  return result;
}

function diskEnvironment(disk: ScriptDisk, index: number, hvparams: Parameters): Environment {
  const prefix = `DISK_${index}`;
  const result: Record<string, string> = {
    [`${prefix}_ACCESS`]: disk.mode,
    [`${prefix}_UUID`]: disk.uuid,
    [`${prefix}_SIZE`]: String(disk.size),
  };
  if (disk.path !== null) result[`${prefix}_PATH`] = disk.path;
  if (disk.uri !== null) result[`${prefix}_URI`] = disk.uri;
  if (disk.name !== null) result[`${prefix}_NAME`] = disk.name;
  if (hvparams.disk_type !== undefined) result[`${prefix}_FRONTEND_TYPE`] = valueText(hvparams.disk_type);
  if (disk.backend !== null) result[`${prefix}_BACKEND_TYPE`] = disk.backend;
  return result;
}

/** A network for scripts and hooks (objects.Network.HooksDict). */
export function networkEnvironment(network: ScriptNetwork, prefix: string): Environment {
  const result: Record<string, string> = {
    [`${prefix}NETWORK_NAME`]: network.name,
    [`${prefix}NETWORK_UUID`]: network.uuid,
    [`${prefix}NETWORK_TAGS`]: network.tags.join(' '),
  };
  const set = (name: string, value: string | null) => {
    if (value) result[`${prefix}NETWORK_${name}`] = value;
  };
  set('SUBNET', network.subnet);
  set('GATEWAY', network.gateway);
  set('SUBNET6', network.subnet6);
  set('GATEWAY6', network.gateway6);
  set('MAC_PREFIX', network.macPrefix);
  return result;
}

function nicEnvironment(nic: ScriptNic, index: number, hvparams: Parameters): Environment {
  const prefix = `NIC_${index}`;
  const result: Record<string, string> = {
    [`${prefix}_MAC`]: nic.mac,
    [`${prefix}_UUID`]: nic.uuid,
    [`${prefix}_MODE`]: nic.mode,
  };
  if (nic.name) result[`${prefix}_NAME`] = nic.name;
  if (nic.ip) result[`${prefix}_IP`] = nic.ip;
  if (nic.isBridge) result[`${prefix}_BRIDGE`] = nic.link;
  if (nic.link) result[`${prefix}_LINK`] = nic.link;
  if (nic.network !== null) Object.assign(result, networkEnvironment(nic.network, `${prefix}_`));
  if (hvparams.nic_type !== undefined) result[`${prefix}_FRONTEND_TYPE`] = valueText(hvparams.nic_type);
  return result;
}

/** The environment of a script that works on an instance. */
export function instanceEnvironment(
  definition: OsDefinition,
  instance: ScriptInstance,
  debugLevel: number,
): Environment {
  const result: Record<string, string> = {
    ...definitionEnvironment(definition, instance.os, instance.osparams, debugLevel),
    INSTANCE_NAME: instance.name,
    INSTANCE_OS: instance.os,
    INSTANCE_UUID: instance.uuid,
    INSTANCE_CTIME: timeText(instance.ctime),
    INSTANCE_MTIME: timeText(instance.mtime),
    INSTANCE_PRIMARY_NODE: instance.primaryNode,
    INSTANCE_SECONDARY_NODES: instance.secondaryNodes.join(' '),
    HYPERVISOR: instance.hypervisor,
    DISK_COUNT: String(instance.disks.length),
    NIC_COUNT: String(instance.nics.length),
  };
  for (const [index, disk] of instance.disks.entries()) {
    Object.assign(result, diskEnvironment(disk, index, instance.hvparams));
  }
  for (const [index, nic] of instance.nics.entries()) {
    Object.assign(result, nicEnvironment(nic, index, instance.hvparams));
  }
  for (const [name, value] of Object.entries(instance.beparams))
    result[`INSTANCE_BE_${name}`] = valueText(value);
  for (const [name, value] of Object.entries(instance.hvparams))
    result[`INSTANCE_HV_${name}`] = valueText(value);
  return result;
}

/** What `export` and `import` get besides: which disk they read or write. */
export function transferEnvironment(
  direction: 'export' | 'import',
  disk: ScriptDisk,
  index: number,
  sizeFd?: number,
): Environment {
  const prefix = direction.toUpperCase();
  const result: Record<string, string> = { [`${prefix}_INDEX`]: String(index) };
  if (disk.path !== null) {
    result[`${prefix}_DEVICE`] = disk.path;
    result[`${prefix}_DISK_PATH`] = disk.path;
  }
  if (disk.uri !== null) result[`${prefix}_DISK_URI`] = disk.uri;
  if (direction === 'export' && sizeFd !== undefined) result.EXP_SIZE_FD = String(sizeFd);
  return result;
}
