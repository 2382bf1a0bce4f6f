/** Checks of instances in a group verification: where they run, what state their disks are in, their policy. */

import type { Configuration } from '../../model/configuration.ts';
import { disksOf, nodesOf, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend, filledNode } from '../../model/params/fill.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import type { Reply } from '../../noderpc/call.ts';
import type { DiskStatus } from '../../noderpc/calls/disk.ts';
import { offlineReason } from '../../noderpc/reply.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { policyFaults } from '../instance/policy.ts';
import type { Gathered } from './verify-nodes.ts';

/** Disk states by instance and node: an entry a disk, or why the node couldn't say. */
export type DiskStates = ReadonlyMap<string, ReadonlyMap<string, Reply<readonly (DiskStatus | null)[]>>>;

function runsOn({ guests }: Gathered, node: string, name: string): boolean {
  return guests.get(name)?.has(node) ?? false;
}

function checkPolicy({ configuration, report }: Gathered, instance: Instance): void {
  const primary = configuration.nodes.get(instance.primary_node);
  const group = primary === undefined ? undefined : configuration.nodegroups.get(primary.group);
  if (group === undefined) return;
  const backend = filledBackend(configuration.cluster, instance);
  const disks = disksOf(configuration, instance);
  const faults = policyFaults(fillInstancePolicy(configuration.cluster.ipolicy, group.ipolicy), {
    memory: backend.maxmem,
    vcpus: backend.vcpus,
    spindles: backend.spindle_use,
    nics: instance.nics.length,
    disks: disks.map((disk) => disk.size),
    template: disks[0]?.dev_type ?? 'diskless',
  });
  if (faults.length > 0) report.warning('EINSTANCEPOLICY', instance.name, faults.join(', '));
}

function checkRunning(gathered: Gathered, instance: Instance, primary: Node): void {
  const { report, answers } = gathered;
  const reply = answers.get(primary.uuid);
  if (instance.admin_state === 'up' && !primary.offline && !runsOn(gathered, primary.uuid, instance.name)) {
    report.error('EINSTANCEDOWN', instance.name, `instance not running on its primary node ${primary.name}`);
  }
  if (instance.admin_state === 'up' && primary.offline) {
    report.error(
      'EINSTANCEBADNODE',
      instance.name,
      `instance is marked as running and lives on offline node ${primary.name}`,
    );
  }
  if (!primary.offline && reply !== undefined && reply.kind !== 'answered') {
    report.error('ENODERPC', primary.name, `instance ${instance.name}, connection to primary node failed`);
  }
}

function checkDisks({ configuration, report }: Gathered, instance: Instance, states: DiskStates): void {
  if (!instance.disks_active) return;
  for (const [uuid, reply] of states.get(instance.uuid) ?? []) {
    const node = configuration.nodes.get(uuid);
    if (node === undefined || node.offline) continue;
    for (const index of instance.disks.keys()) {
      const status = reply.kind === 'answered' ? reply.value[index] : undefined;
      if (status === undefined || status === null) {
        const why =
          reply.kind === 'answered'
            ? "Can't find device"
            : reply.kind === 'offline'
              ? offlineReason
              : reply.message;
        report.error(
          'EINSTANCEFAULTYDISK',
          instance.name,
          `couldn't retrieve status for disk/${index} on ${node.name}: ${why}`,
        );
        continue;
      }
      if (!status.degraded && status.localDisk === 'okay') continue;
      const text = `disk/${index} on ${node.name} is degraded; local disk state is '${stateNames[status.localDisk]}'${saidOf(status)}`;
      // One that is whole here, or becomes it by itself, serves its guest.
      if (status.localDisk === 'okay' || status.localDisk === 'sync')
        report.warning('EINSTANCEFAULTYDISK', instance.name, text);
      else report.error('EINSTANCEFAULTYDISK', instance.name, text);
    }
  }
}

/** In Ganeti's words (constants.LDS_NAMES). */
const stateNames = { okay: 'ok', sync: 'syncing', unknown: 'unknown', faulty: 'faulty' } as const;

/** What the driver has to say beyond the state: a split brain and the way out of it. */
function saidOf({ details }: DiskStatus): string {
  return typeof details.problem === 'string' ? `; ${details.problem}` : '';
}

function checkVolumes({ answers, configuration, report }: Gathered, instance: Instance): void {
  for (const disk of disksOf(configuration, instance)) {
    const volumes = (disk.children ?? []).length > 0 ? disk.children! : [disk];
    for (const volume of volumes.filter(
      (each) => storageAbout(each.dev_type).volumeGroup && (each.children ?? []).length === 0,
    )) {
      for (const uuid of volume.nodes) {
        const reply = answers.get(uuid);
        const node = configuration.nodes.get(uuid);
        if (reply?.kind !== 'answered' || reply.value.logicalVolumes === null || node === undefined) continue;
        const [vg, name] = volume.logical_id ?? [];
        if (reply.value.logicalVolumes.some((found) => found.vg === vg && found.name === name)) continue;
        report.error(
          'EINSTANCEMISSINGDISK',
          instance.name,
          `volume ${vg}/${name} missing on node ${node.name}`,
        );
      }
    }
  }
}

function checkSecondaries({ configuration, answers, report }: Gathered, instance: Instance): void {
  const secondaries = secondariesOf(configuration, instance).flatMap(
    (uuid) => configuration.nodes.get(uuid) ?? [],
  );
  if (secondaries.length > 1) {
    report.warning(
      'EINSTANCELAYOUT',
      instance.name,
      `instance has multiple secondary nodes: ${secondaries.map((node) => node.name).join(', ')}`,
    );
  }
  const groups = new Set([
    configuration.nodes.get(instance.primary_node)?.group,
    ...secondaries.map((node) => node.group),
  ]);
  if (groups.size > 1) {
    const primary = configuration.nodes.get(instance.primary_node);
    const homes = [...(primary === undefined ? [] : [primary]), ...secondaries];
    const told = [...groups].map((uuid) => {
      const members = homes.filter(({ group }) => group === uuid).map(({ name }) => name);
      return `${members.join(', ')} (group ${configuration.nodegroups.get(uuid ?? '')?.name ?? '?'})`;
    });
    report.warning(
      'EINSTANCESPLITGROUPS',
      instance.name,
      `instance has primary and secondary nodes in different groups: ${told.join(', ')}`,
    );
  }
  for (const node of secondaries) {
    if (!node.offline && answers.has(node.uuid) && answers.get(node.uuid)?.kind !== 'answered') {
      report.error('ENODERPC', node.name, `instance ${instance.name}, connection to secondary node failed`);
    }
  }
  const offline = secondaries.filter((node) => node.offline);
  if (offline.length > 0) {
    report.error(
      'EINSTANCEBADNODE',
      instance.name,
      `instance has offline secondary node(s) ${offline.map((node) => node.name).join(', ')}`,
    );
  }
}

/** What disks need where nodes keep physical volumes for one disk each. */
function checkExclusiveStorage({ configuration, report }: Gathered, instance: Instance): void {
  const { cluster, nodes, nodegroups } = configuration;
  const exclusive = nodesOf(configuration, instance)
    .flatMap((uuid) => nodes.get(uuid) ?? [])
    .filter((node) => filledNode(cluster, nodegroups.get(node.group), node).exclusive_storage === true);
  if (exclusive.length === 0) return;
  const disks = disksOf(configuration, instance);
  const unsuited = disks.filter(({ dev_type }) => !storageAbout(dev_type).exclusiveStorage);
  if (unsuited.length > 0) {
    const types = unsuited.map(({ dev_type }) => dev_type).join(', ');
    const where = exclusive.map(({ name }) => name).join(', ');
    report.error(
      'EINSTANCEUNSUITABLENODE',
      instance.name,
      `instance uses disk types ${types}, which are not supported on nodes that have exclusive storage set: ${where}`,
    );
  }
  for (const [index, { spindles }] of disks.entries()) {
    if (spindles === null || spindles === undefined)
      report.error(
        'EINSTANCEMISSINGCFGPARAMETER',
        instance.name,
        `number of spindles not configured for disk ${index} while exclusive storage is enabled, try running gnt-cluster repair-disk-sizes`,
      );
  }
}

/** Every check of one instance. */
export function verifyInstance(gathered: Gathered, instance: Instance, states: DiskStates): void {
  const { configuration, report } = gathered;
  report.detail(`Verifying instance ${instance.name}`);
  checkPolicy(gathered, instance);
  const primary = configuration.nodes.get(instance.primary_node);
  if (primary === undefined) {
    report.error('EINSTANCEBADNODE', instance.name, `instance lives on ghost node ${instance.primary_node}`);
    return;
  }
  checkVolumes(gathered, instance);
  checkRunning(gathered, instance, primary);
  checkDisks(gathered, instance, states);
  checkExclusiveStorage(gathered, instance);
  checkSecondaries(gathered, instance);
  for (const uuid of nodesOf(configuration, instance)) {
    const node = configuration.nodes.get(uuid);
    if (node === undefined)
      report.error('EINSTANCEBADNODE', instance.name, `instance lives on ghost node ${uuid}`);
    else if (!node.vm_capable)
      report.error('EINSTANCEBADNODE', instance.name, `instance lives on non-vm_capable node ${node.name}`);
  }
}

/** Guests that run on a node which isn't their primary, and those that nobody knows. */
export function verifyStrayGuests({ answers, configuration, report }: Gathered, node: Node): void {
  const reply = answers.get(node.uuid);
  if (reply?.kind !== 'answered') return;
  for (const name of reply.value.hypervisors.flatMap(({ instances }) => instances)) {
    const instance = configuration.instances.byName(name);
    if (instance === undefined)
      report.error('ENODEORPHANINSTANCE', node.name, `node is running unknown instance ${name}`);
    else if (instance.primary_node !== node.uuid)
      report.error('EINSTANCEWRONGNODE', name, `instance should not run on node ${node.name}`);
  }
}

/** Memory in MiB that each node needs for the guests of another whose secondary it is: [node][primary]. */
function failoverNeeds(configuration: Configuration): Map<string, Map<string, number>> {
  const needs = new Map<string, Map<string, number>>();
  for (const instance of configuration.instances) {
    const backend = filledBackend(configuration.cluster, instance);
    // Instances that are down count as well: somebody may start them.
    if (!backend.auto_balance) continue;
    for (const node of secondariesOf(configuration, instance)) {
      const needed = needs.get(node) ?? new Map<string, number>();
      needs.set(
        node,
        needed.set(instance.primary_node, (needed.get(instance.primary_node) ?? 0) + backend.minmem),
      );
    }
  }
  return needs;
}

/** Is there memory on each node for the guests of any other one whose secondary it is? MiB. */
export function verifyFailoverMemory(
  { answers, configuration, report }: Gathered,
  nodes: readonly Node[],
): void {
  const needs = failoverNeeds(configuration);
  for (const node of nodes) {
    const reply = answers.get(node.uuid);
    if (reply?.kind !== 'answered' || node.offline) continue;
    const free = reply.value.hypervisors.find(({ info }) => info !== null)?.info?.memoryFree;
    if (free === undefined) continue;
    for (const [primary, mebibytes] of needs.get(node.uuid) ?? []) {
      if (mebibytes > free) {
        report.error(
          'ENODEN1',
          node.name,
          `not enough memory to accomodate instance failovers should node ${configuration.nodes.get(primary)?.name} fail (${mebibytes}MiB needed, ${free}MiB available)`,
        );
      }
    }
  }
}
