/** Checks of instances in a group verification: where they run, what state their disks are in, their policy. */
import { disksOf, nodesOf, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend } from '../../model/params/fill.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import type { Reply } from '../../noderpc/call.ts';
import type { DiskStatus } from '../../noderpc/calls/disk.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { policyFaults } from '../instance/policy.ts';
import type { Gathered } from './verify-nodes.ts';

/** Disk states by instance and node: an entry a disk, or why the node couldn't say. */
export type DiskStates = ReadonlyMap<string, ReadonlyMap<string, Reply<readonly (DiskStatus | null)[]>>>;

function runsOn({ answers }: Gathered, node: string, name: string): boolean {
  const reply = answers.get(node);
  return (
    reply?.kind === 'answered' && reply.value.hypervisors.some(({ instances }) => instances.includes(name))
  );
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
  const { report, configuration, answers } = gathered;
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
  for (const node of configuration.nodes) {
    if (node.uuid !== primary.uuid && runsOn(gathered, node.uuid, instance.name)) {
      report.error('EINSTANCEWRONGNODE', instance.name, `instance should not run on node ${node.name}`);
    }
  }
  if (!primary.offline && reply?.kind !== 'answered') {
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
              ? 'Node is marked offline'
              : reply.message;
        report.error(
          'EINSTANCEFAULTYDISK',
          instance.name,
          `couldn't retrieve status for disk/${index} on ${node.name}: ${why}`,
        );
        continue;
      }
      if (status.localDisk !== 'okay') {
        report.error(
          'EINSTANCEFAULTYDISK',
          instance.name,
          `disk/${index} on ${node.name} is degraded; local disk state is '${status.localDisk}'${saidOf(status)}`,
        );
      } else if (status.degraded) {
        report.error(
          'EINSTANCEFAULTYDISK',
          instance.name,
          `disk/${index} on ${node.name} is degraded${saidOf(status)}`,
        );
      }
    }
  }
}

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
    report.error(
      'EINSTANCESPLITGROUPS',
      instance.name,
      `instance has primary and secondary nodes in different groups: ${[...groups].map((uuid) => configuration.nodegroups.get(uuid ?? '')?.name).join(', ')}`,
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
  checkSecondaries(gathered, instance);
  for (const uuid of nodesOf(configuration, instance)) {
    const node = configuration.nodes.get(uuid);
    if (node !== undefined && !node.vm_capable)
      report.error('EINSTANCEBADNODE', instance.name, `instance lives on non-vm_capable node ${node.name}`);
  }
}

/** Guests that run on a node and that nobody knows. */
export function verifyUnknownGuests(
  { answers, configuration, report }: Gathered,
  nodes: readonly Node[],
): void {
  for (const node of nodes) {
    const reply = answers.get(node.uuid);
    if (reply?.kind !== 'answered') continue;
    for (const name of reply.value.hypervisors.flatMap(({ instances }) => instances)) {
      if (configuration.instances.byName(name) === undefined)
        report.error('ENODEORPHANINSTANCE', node.name, `node is running unknown instance ${name}`);
    }
  }
}

/** Is there memory on each node for the guests of any other one whose secondary it is? MiB. */
export function verifyFailoverMemory(
  { answers, configuration, report }: Gathered,
  nodes: readonly Node[],
): void {
  const { cluster } = configuration;
  for (const node of nodes) {
    const reply = answers.get(node.uuid);
    if (reply?.kind !== 'answered' || node.offline) continue;
    const free = reply.value.hypervisors.find(({ info }) => info !== null)?.info?.memoryFree;
    if (free === undefined) continue;
    const needed = new Map<string, number>();
    for (const instance of configuration.instances) {
      const backend = filledBackend(cluster, instance);
      if (
        instance.admin_state !== 'up' ||
        !backend.auto_balance ||
        !secondariesOf(configuration, instance).includes(node.uuid)
      )
        continue;
      needed.set(instance.primary_node, (needed.get(instance.primary_node) ?? 0) + backend.minmem);
    }
    for (const [primary, mebibytes] of needed) {
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
