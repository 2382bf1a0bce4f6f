/** What hooks are told of an instance (hooks manual), without the GANETI_ prefix, and where they run. */
import { pythonText } from '../kit/python-text.ts';
import type { Configuration } from '../model/configuration.ts';
import { disksOf } from '../model/lookup.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Node } from '../model/objects/node.ts';
import { filledBackend, filledHypervisor } from '../model/params/fill.ts';
import { networkAbout } from '../networks/catalog.ts';
import { storageAbout } from '../storage/catalog.ts';
import { filledNicOf } from './on-node.ts';
import type { HookPlan } from './operation.ts';

/** Where a disk's data is: the parts of its logical id, of those below it with their role before the name. */
function placeEnvironment({ dev_type, logical_id, children }: Disk, at: string): Record<string, string> {
  const { idParts, lowerDisks = [] } = storageAbout(dev_type);
  const own = idParts.map((part, index) => [`${at}${part}`, pythonText(logical_id?.[index])] as const);
  const lower = (children ?? []).map((disk, index) => placeEnvironment(disk, `${at}${lowerDisks[index]}_`));
  return Object.assign(Object.fromEntries(own), ...lower) as Record<string, string>;
}

function diskEnvironment(disks: readonly Disk[]): Record<string, string> {
  const env: Record<string, string> = { INSTANCE_DISK_COUNT: String(disks.length) };
  disks.forEach((disk, index) => {
    const at = `INSTANCE_DISK${index}`;
    if (disk.name) env[`${at}_NAME`] = disk.name;
    env[`${at}_UUID`] = disk.uuid;
    env[`${at}_SIZE`] = String(disk.size);
    env[`${at}_MODE`] = disk.mode;
    env[`${at}_DEV_TYPE`] = disk.dev_type;
    Object.assign(env, placeEnvironment(disk, `${at}_`));
  });
  return env;
}

function nicEnvironment(configuration: Configuration, instance: Instance): Record<string, string> {
  const env: Record<string, string> = { INSTANCE_NIC_COUNT: String(instance.nics.length) };
  instance.nics.forEach((nic, index) => {
    const filled = filledNicOf(configuration, nic);
    const at = `INSTANCE_NIC${index}`;
    if (filled.name) env[`${at}_NAME`] = filled.name;
    env[`${at}_UUID`] = filled.uuid;
    env[`${at}_IP`] = filled.ip ?? '';
    env[`${at}_MAC`] = filled.mac;
    env[`${at}_MODE`] = filled.mode;
    env[`${at}_LINK`] = filled.link;
    env[`${at}_VLAN`] = filled.vlan;
    if (networkAbout(filled.mode).linkIsDevice) env[`${at}_BRIDGE`] = filled.link;
    const { network } = filled;
    if (network === null) return;
    env[`${at}_NETWORK_NAME`] = network.name;
    env[`${at}_NETWORK_UUID`] = network.uuid;
    env[`${at}_NETWORK_TAGS`] = network.tags.join(' ');
    if (network.subnet) env[`${at}_NETWORK_SUBNET`] = network.subnet;
    if (network.gateway) env[`${at}_NETWORK_GATEWAY`] = network.gateway;
    if (network.subnet6) env[`${at}_NETWORK_SUBNET6`] = network.subnet6;
    if (network.gateway6) env[`${at}_NETWORK_GATEWAY6`] = network.gateway6;
    if (network.macPrefix) env[`${at}_NETWORK_MAC_PREFIX`] = network.macPrefix;
  });
  return env;
}

/** The INSTANCE_* variables of an instance; `disks` for one that isn't committed yet, or is no longer. */
export function instanceEnvironment(
  configuration: Configuration,
  instance: Instance,
  disks: readonly Disk[] = disksOf(configuration, instance),
): Record<string, string> {
  const nameOf = (uuid: string) => configuration.nodes.get(uuid)?.name ?? uuid;
  const holders = new Set(disks.flatMap(({ nodes }) => nodes));
  const secondaries = [...holders].filter((uuid) => uuid !== '' && uuid !== instance.primary_node);
  const backend = filledBackend(configuration.cluster, instance);
  const env: Record<string, string> = {
    OP_TARGET: instance.name,
    INSTANCE_NAME: instance.name,
    INSTANCE_PRIMARY: nameOf(instance.primary_node),
    INSTANCE_SECONDARIES: secondaries.map(nameOf).join(' '),
    INSTANCE_OS_TYPE: instance.os,
    INSTANCE_STATUS: instance.admin_state,
    INSTANCE_MINMEM: String(backend.minmem),
    INSTANCE_MAXMEM: String(backend.maxmem),
    INSTANCE_MEMORY: String(backend.maxmem),
    INSTANCE_VCPUS: String(backend.vcpus),
    INSTANCE_DISK_TEMPLATE: disks[0]?.dev_type ?? 'diskless',
    INSTANCE_HYPERVISOR: instance.hypervisor,
    INSTANCE_TAGS: [...instance.tags].join(' '),
    ...diskEnvironment(disks),
    ...nicEnvironment(configuration, instance),
  };
  for (const [name, value] of Object.entries(backend)) env[`INSTANCE_BE_${name}`] = pythonText(value);
  for (const [name, value] of Object.entries(filledHypervisor(configuration.cluster, instance)))
    env[`INSTANCE_HV_${name}`] = pythonText(value);
  return env;
}

/** Who is what before and after a change of places; secondaries only where disks are mirrored between two nodes. */
export function rolesBeforeAndAfter(
  configuration: Configuration,
  instance: Instance,
  source: Pick<Node, 'name'>,
  target: Pick<Node, 'name'>,
): Record<string, string> {
  const isMirrored = disksOf(configuration, instance).some(
    (disk) => storageAbout(disk.dev_type).mirrored === 'internal',
  );
  return {
    OLD_PRIMARY: source.name,
    NEW_PRIMARY: target.name,
    OLD_SECONDARY: isMirrored ? target.name : '',
    NEW_SECONDARY: isMirrored ? source.name : '',
  };
}

/** Hooks on the master, and on `nodes` where given. */
export function masterHooks(
  path: string,
  objectType: HookPlan['objectType'],
  { cluster }: Configuration,
  env: Readonly<Record<string, string>>,
  nodes: readonly string[] = [],
): HookPlan {
  const where = [...new Set([cluster.master_node, ...nodes])];
  return { path, objectType, env, preNodes: where, postNodes: where };
}

/** The hooks of an operation on one instance: on the master and on `nodes`. */
export function instanceHooks(
  path: string,
  configuration: Configuration,
  instance: Instance,
  nodes: readonly string[],
  extra: Readonly<Record<string, string>> = {},
  disks?: readonly Disk[],
): HookPlan {
  const env = { ...instanceEnvironment(configuration, instance, disks), ...extra };
  return masterHooks(path, 'INSTANCE', configuration, env, nodes);
}
