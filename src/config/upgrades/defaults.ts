/**
 * What may be missing in a file of any version, the newest included: parameters that came with a later
 * release, fields that were never written (objects.*.UpgradeConfig). Safe to apply again and again.
 */
import { hypervisorAbouts } from '../../hypervisors/catalog.ts';
import type { diskTemplates } from '../../model/names.ts';
import { backendParameters, splitMemory } from '../../model/params/backend.ts';
import { defaultsOf, type ParameterFamily, type ParameterValues } from '../../model/params/family.ts';
import { defaultInstancePolicy } from '../../model/params/instance-policy.ts';
import { nicParameters } from '../../model/params/nic.ts';
import { nodeParameters } from '../../model/params/node.ts';
import { storageTemplates } from '../../storage/catalog.ts';
import { derivedUuid, fill, isRaw, listOf, objectsOf, part, type Raw, withChildren } from './raw.ts';

/** constants.DISK_TEMPLATE_PREFERENCE */
const preference = [
  'blockdev',
  'diskless',
  'drbd',
  'ext',
  'file',
  'plain',
  'rbd',
  'sharedfile',
  'gluster',
] satisfies (typeof diskTemplates)[number][];

function fillGroups(data: Raw, family: ParameterFamily): void {
  if (Object.keys(data).length === 0) data.default = {};
  for (const values of Object.values(data).filter(isRaw)) fill(values, defaultsOf(family));
}

function fillHypervisors(cluster: Raw, notes: string[]): void {
  const all = part(cluster, 'hvparams');
  for (const { name, params } of hypervisorAbouts) {
    const values = part(all, name);
    const unknown = Object.keys(values).filter((parameter) => !(parameter in params));
    for (const parameter of unknown) delete values[parameter];
    if (unknown.length > 0)
      notes.push(`Parameters of ${name} that no longer exist were left out: ${unknown.join(', ')}`);
    fill(values, defaultsOf(params));
  }
}

function fillTemplates(data: Raw, cluster: Raw): void {
  const diskparams = part(cluster, 'diskparams');
  for (const { name, params } of storageTemplates) fill(part(diskparams, name), defaultsOf(params));
  if (listOf(cluster, 'enabled_disk_templates').length === 0) {
    const used = new Set(objectsOf(data, 'disks').map((disk) => disk.dev_type));
    if (objectsOf(data, 'instances').some((instance) => listOf(instance, 'disks').length === 0))
      used.add('diskless');
    const hasGroup = typeof cluster.volume_group_name === 'string' && cluster.volume_group_name !== '';
    for (const about of storageTemplates) if (hasGroup && about.volumeGroup) used.add(about.name);
    cluster.enabled_disk_templates = preference.filter((name) => used.has(name));
  }
  const enabled = listOf(cluster, 'enabled_disk_templates');
  const policies = [cluster.ipolicy, ...objectsOf(data, 'nodegroups').map((group) => group.ipolicy)];
  for (const policy of policies.filter(isRaw)) {
    const allowed = policy['disk-templates'];
    if (Array.isArray(allowed)) policy['disk-templates'] = allowed.filter((name) => enabled.includes(name));
  }
  const copies = storageTemplates.some(
    (about) => about.mirrored === 'internal' && enabled.includes(about.name),
  );
  if (copies) fill(cluster, { drbd_usermode_helper: '/bin/true' });
}

function fillCluster(data: Raw, notes: string[]): void {
  const cluster = part(data, 'cluster');
  fillHypervisors(cluster, notes);
  const beparams = part(cluster, 'beparams');
  for (const [name, values] of Object.entries(beparams)) {
    if (isRaw(values)) beparams[name] = { ...splitMemory(values as ParameterValues) };
  }
  fillGroups(beparams, backendParameters);
  fillGroups(part(cluster, 'nicparams'), nicParameters);
  fill(part(cluster, 'ndparams'), defaultsOf(nodeParameters));
  fill(part(cluster, 'ipolicy'), defaultInstancePolicy as Raw);
  const family = cluster.primary_ip_family ?? 2;
  fill(cluster, { primary_ip_family: family, master_netmask: family === 10 ? 128 : 32 });
  if (cluster.default_iallocator === undefined || cluster.default_iallocator === null)
    cluster.default_iallocator = '';
  fillTemplates(data, cluster);
}

function fillInstance(instance: Raw): void {
  instance.beparams = { ...splitMemory((instance.beparams ?? {}) as ParameterValues) };
  fill(instance, { disks_active: instance.admin_state === 'up', admin_state_source: 'admin' });
  listOf(instance, 'nics')
    .filter(isRaw)
    .forEach((nic, index) => {
      nic.uuid ??= derivedUuid(`${String(instance.uuid)}/nic/${index}`);
    });
}

function fillDisk(disk: Raw): void {
  let number = 0;
  for (const each of withChildren(disk)) {
    if (each.serial_no === undefined || each.serial_no === null) each.serial_no = 1;
    if (!isRaw(each.params)) each.params = {};
    each.uuid ??= derivedUuid(`${String(disk.uuid)}/child/${number}`);
    number += 1;
  }
}

function fillGroupsAndNodes(data: Raw): void {
  const cluster = part(data, 'cluster');
  const globals = Object.entries(nodeParameters as ParameterFamily).filter(([, each]) => each.global);
  for (const node of objectsOf(data, 'nodes')) {
    for (const [name] of globals) if (isRaw(node.ndparams)) delete node.ndparams[name];
  }
  if (Object.keys(part(data, 'nodegroups')).length === 0) {
    const uuid = derivedUuid(`${String(cluster.uuid)}/default`);
    part(data, 'nodegroups')[uuid] = { uuid, name: 'default', alloc_policy: 'preferred' };
    for (const node of objectsOf(data, 'nodes')) node.group ??= uuid;
  }
  for (const group of objectsOf(data, 'nodegroups')) {
    const connections = Object.values(part(group, 'networks')).filter(isRaw);
    for (const values of connections) fill(values, defaultsOf(nicParameters));
  }
}

/** Fills in what is missing. @returns sentences about what had to be left out */
export function fillDefaults(data: Raw): string[] {
  const notes: string[] = [];
  for (const table of ['nodes', 'nodegroups', 'instances', 'disks', 'networks', 'filters']) part(data, table);
  fillGroupsAndNodes(data);
  fillCluster(data, notes);
  for (const instance of objectsOf(data, 'instances')) fillInstance(instance);
  for (const disk of objectsOf(data, 'disks')) fillDisk(disk);
  return notes;
}
