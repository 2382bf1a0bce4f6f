/**
 * What versions before 3.1 have otherwise (cfgupgrade): disks inside instances, nodes and instances by
 * name, old words for disk types, one size range in a policy, parameters that have gone.
 */
import { storageTemplates } from '../../storage/catalog.ts';
import { derivedUuid, fill, isRaw, listOf, objectsOf, part, type Raw, withChildren } from './raw.ts';

/** Disk types as they were called before 2.9. */
const newTypes: Readonly<Record<string, string>> = { lvm: 'plain', drbd8: 'drbd' };
const mirroring = new Map(storageTemplates.map((about) => [about.name, about.mirrored]));

/** constants.DATA_COLLECTOR_NAMES */
const collectorNames = ['cpu-avg-load', 'diskstats', 'drbd', 'inst-status-xen', 'lv', 'xen-cpu-avg-load'];

/** The data collectors of the monitoring daemon, all active; intervals in microseconds. */
export function collectors(): Record<string, { active: boolean; interval: number }> {
  return Object.fromEntries(collectorNames.map((name) => [name, { active: true, interval: 5_000_000 }]));
}

function rangeOf(policy: Raw): void {
  if (!('min' in policy) && !('max' in policy)) return;
  const range: Raw = {};
  for (const bound of ['min', 'max']) {
    if (isRaw(policy[bound]) && Object.keys(policy[bound]).length > 0) range[bound] = policy[bound];
    delete policy[bound];
  }
  if (Object.keys(range).length > 0) policy.minmax = [range];
}

function fillRange(policy: Raw, defaults: Raw): void {
  const first = listOf(policy, 'minmax')[0];
  const model = listOf(defaults, 'minmax')[0];
  if (!isRaw(first) || !isRaw(model)) return;
  for (const bound of ['min', 'max']) fill(part(first, bound), part(model, bound));
}

export function upgradePolicies(data: Raw, defaults: Raw): void {
  const cluster = part(data, 'cluster');
  const own = isRaw(cluster.ipolicy) ? cluster.ipolicy : undefined;
  if (own !== undefined) {
    rangeOf(own);
    fillRange(own, defaults);
  }
  for (const group of objectsOf(data, 'nodegroups')) {
    if (!isRaw(group.ipolicy)) continue;
    rangeOf(group.ipolicy);
    delete group.ipolicy.std;
    fillRange(group.ipolicy, own ?? defaults);
  }
}

export function upgradeCluster(data: Raw): void {
  const cluster = part(data, 'cluster');
  fill(cluster, {
    default_iallocator_params: {},
    candidate_certs: {},
    // What clusters had before the key type could be chosen.
    ssh_key_type: 'dsa',
    ssh_key_bits: 1024,
  });
  fill(part(cluster, 'data_collectors'), collectors());
  for (const values of Object.values(part(cluster, 'hvparams')).filter(isRaw)) {
    delete values.xen_cmd;
    if (values.disk_discard === 'default') values.disk_discard = 'ignore';
  }
}

/** NICs that name their network, and values of parameters that have gone. */
export function upgradeInstances(data: Raw): void {
  const networks = new Map(objectsOf(data, 'networks').map((network) => [network.name, network.uuid]));
  for (const instance of objectsOf(data, 'instances')) {
    for (const nic of listOf(instance, 'nics').filter(isRaw)) {
      const uuid = networks.get(nic.network);
      if (uuid !== undefined) nic.network = uuid;
    }
    fill(instance, { admin_state_source: 'admin' });
    if (isRaw(instance.hvparams) && instance.hvparams.disk_discard === 'default') {
      instance.hvparams.disk_discard = 'ignore';
    }
  }
}

/** Disks move out of their instances into a table of their own. */
export function liftDisks(data: Raw): void {
  const lifted = !isRaw(data.disks);
  const disks = part(data, 'disks');
  for (const instance of objectsOf(data, 'instances')) {
    const inner = listOf(instance, 'disks');
    inner.filter(isRaw).forEach((disk, index) => {
      disk.iv_name = `disk/${index}`;
      disk.uuid ??= derivedUuid(`${String(instance.uuid)}/disk/${index}`);
      Object.assign(disk, { serial_no: 1, ctime: instance.ctime ?? 0, mtime: instance.ctime ?? 0 });
      disks[String(disk.uuid)] = disk;
    });
    instance.disks = inner.map((disk) => (isRaw(disk) ? disk.uuid : disk));
    delete instance.disk_template;
  }
  for (const disk of Object.values(disks)
    .filter(isRaw)
    .flatMap((each) => [...withChildren(each)])) {
    delete disk.physical_id;
    disk.dev_type = newTypes[String(disk.dev_type)] ?? disk.dev_type;
  }
  if (lifted) data.disks = disks;
}

function byUuid(data: Raw, table: string): void {
  data[table] = Object.fromEntries(objectsOf(data, table).map((object) => [String(object.uuid), object]));
}

/** Nodes and instances by uuid wherever they were by name. */
export function nameToUuid(data: Raw): void {
  const nodes = new Map(objectsOf(data, 'nodes').map((node) => [node.name, node.uuid]));
  const renamed = (value: unknown) => nodes.get(value) ?? value;
  byUuid(data, 'nodes');
  byUuid(data, 'instances');
  const cluster = part(data, 'cluster');
  cluster.master_node = renamed(cluster.master_node);
  for (const instance of objectsOf(data, 'instances')) instance.primary_node = renamed(instance.primary_node);
  for (const disk of objectsOf(data, 'disks').flatMap((each) => [...withChildren(each)])) {
    const id = disk.logical_id;
    if (mirroring.get(String(disk.dev_type)) === 'internal' && Array.isArray(id)) {
      disk.logical_id = [renamed(id[0]), renamed(id[1]), ...id.slice(2)];
    }
  }
}

function mirrorNodes(disk: Raw): unknown[] {
  return [...withChildren(disk)].flatMap((each) =>
    mirroring.get(String(each.dev_type)) === 'internal' ? listOf(each, 'logical_id').slice(0, 2) : [],
  );
}

/** Each disk says which nodes hold it: both of a mirror, the primary of a local one, none of shared storage. */
export function nodesOfDisks(data: Raw): void {
  const disks = part(data, 'disks');
  for (const instance of objectsOf(data, 'instances')) {
    const own = listOf(instance, 'disks').flatMap((uuid) => {
      const disk = disks[String(uuid)];
      return isRaw(disk) ? [disk] : [];
    });
    const nodes = [...new Set([instance.primary_node, ...own.flatMap(mirrorNodes)])];
    for (const disk of own) {
      if (disk.nodes !== undefined) continue;
      const kind = mirroring.get(String(disk.dev_type));
      if (kind === 'internal') for (const each of withChildren(disk)) each.nodes = nodes;
      else disk.nodes = kind === 'no' ? nodes : [];
    }
  }
}
