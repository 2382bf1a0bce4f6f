/** Storage in a group verification: volume groups, mirrors, folders of files, and volumes that nobody knows. */
import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledNode } from '../../model/params/fill.ts';
import { storageAbout } from '../../storage/catalog.ts';
import type { Gathered, NodeAnswer } from './verify-nodes.ts';
import type { VerifyCodeName } from './verify-report.ts';

/** MiB that a volume group has at least (constants.MIN_VG_SIZE). */
const smallestGroup = 20480;
/** Shares by which sizes of physical volumes may differ: what partitioning costs (utils.LvmExclusiveTestBadPvSizes). */
const partitionLoss = 0.03;

const folderCodes: Readonly<Record<string, VerifyCodeName>> = {
  'lvm-vg': 'ENODELVM',
  file: 'ENODEFILESTORAGEPATHUNUSABLE',
  sharedfile: 'ENODESHAREDFILESTORAGEPATHUNUSABLE',
  gluster: 'ENODEGLUSTERSTORAGEPATHUNUSABLE',
};

export function checkVolumeGroup(
  { report, configuration }: Gathered,
  node: Node,
  { volumeGroups, physicalVolumes }: NodeAnswer,
): void {
  const group = configuration.cluster.volume_group_name;
  const usesGroups = configuration.cluster.enabled_disk_templates.some(
    (template) => storageAbout(template).volumeGroup,
  );
  if (!group || !usesGroups) return;
  const found = volumeGroups?.[group];
  if (volumeGroups === null) report.error('ENODELVM', node.name, 'unable to check volume groups');
  else if (found === undefined) report.error('ENODELVM', node.name, `volume group '${group}' missing`);
  else if (found.size < smallestGroup) {
    const text = `volume group '${group}' too small (${smallestGroup} MiB required, ${Math.round(found.size)} MiB found)`;
    report.error('ENODELVM', node.name, text, `vgextend ${group} DEVICE on ${node.name}`);
  }
  for (const volume of physicalVolumes ?? []) {
    if (volume.name.includes(':'))
      report.error(
        'ENODELVM',
        node.name,
        `Invalid character ':' in PV '${volume.name}' of VG '${volume.vg}'`,
      );
  }
}

/** Under exclusive storage the physical volumes of a group's nodes must be of one size, about. */
export function verifyPhysicalVolumes(
  { answers, configuration, report }: Gathered,
  nodes: readonly Node[],
): void {
  const { cluster, nodegroups } = configuration;
  const group = nodegroups.get(nodes[0]?.group ?? '');
  const isExclusive = (node: Node) => filledNode(cluster, group, node).exclusive_storage === true;
  if (group === undefined || !nodes.some(isExclusive)) return;
  const volumes = nodes.flatMap((node) => {
    const reply = answers.get(node.uuid);
    const found = reply?.kind === 'answered' ? (reply.value.physicalVolumes ?? []) : [];
    return found.map(({ size }) => ({ size, node: node.name }));
  });
  if (volumes.length === 0) return;
  const smallest = volumes.reduce((a, b) => (b.size < a.size ? b : a));
  const biggest = volumes.reduce((a, b) => (b.size > a.size ? b : a));
  if (smallest.size * (1 + partitionLoss) >= biggest.size * (1 - partitionLoss)) return;
  report.error(
    'EGROUPDIFFERENTPVSIZE',
    group.name,
    `PV sizes differ too much in the group; smallest (${smallest.size} MB) is on ${smallest.node}, biggest (${biggest.size} MB) is on ${biggest.node}`,
  );
}

interface ExpectedMinor {
  readonly disk: string;
  readonly instance: string;
  readonly active: boolean;
}

/** Minors of mirrored disks that the configuration puts on each node. */
export function expectedMinors(
  configuration: Configuration,
): ReadonlyMap<string, Map<number, ExpectedMinor>> {
  const minors = new Map<string, Map<number, ExpectedMinor>>();
  const note = (node: unknown, minor: unknown, expected: ExpectedMinor) => {
    const of = minors.get(String(node)) ?? new Map<number, ExpectedMinor>();
    minors.set(String(node), of.set(Number(minor), expected));
  };
  for (const instance of configuration.instances) {
    for (const uuid of instance.disks) {
      const disk = configuration.disks.get(uuid);
      if (disk === undefined || storageAbout(disk.dev_type).mirrored !== 'internal') continue;
      const [nodeA, nodeB, , minorA, minorB] = disk.logical_id ?? [];
      const expected = { disk: uuid, instance: instance.name, active: instance.disks_active };
      note(nodeA, minorA, expected);
      note(nodeB, minorB, expected);
    }
  }
  return minors;
}

export function checkMirrors(
  { report, configuration, minors }: Gathered,
  node: Node,
  { drbd, faults }: NodeAnswer,
): void {
  const helper = configuration.cluster.drbd_usermode_helper;
  const uses = configuration.cluster.enabled_disk_templates.some(
    (template) => storageAbout(template).mirrored === 'internal',
  );
  if (!uses || !helper) return;
  if (drbd === null) {
    report.error(
      'ENODEDRBD',
      node.name,
      `cannot parse drbd status file: ${faults.drbd ?? 'it says nothing of mirrors'}`,
      `gnt-cluster command -n ${node.name} modprobe drbd`,
    );
    return;
  }
  if (drbd.helper !== helper)
    report.error('ENODEDRBDHELPER', node.name, `wrong drbd usermode helper: ${drbd.helper}`);
  const expected = minors.get(node.uuid) ?? new Map<number, ExpectedMinor>();
  const used = new Set(drbd.minors);
  for (const [minor, { disk, instance, active }] of expected) {
    if (active && !used.has(minor))
      report.error(
        'ENODEDRBD',
        node.name,
        `drbd minor ${minor} of disk ${disk} (attached in instance '${instance}') is not active`,
        `gnt-instance activate-disks ${instance}`,
      );
  }
  for (const minor of used) {
    if (!expected.has(minor))
      report.error('ENODEDRBD', node.name, `unallocated drbd minor ${minor} is in use`, 'gnt-cluster repair');
  }
}

/** Nodes between which mirrors are made should speak the same DRBD. */
export function verifyMirrorVersions({ answers, report }: Gathered, nodes: readonly Node[]): void {
  const versions = nodes.flatMap((node) => {
    const reply = answers.get(node.uuid);
    const version = reply?.kind === 'answered' ? reply.value.drbd?.version : undefined;
    return version === undefined ? [] : [{ node: node.name, version }];
  });
  if (new Set(versions.map(({ version }) => version)).size < 2) return;
  for (const { node, version } of versions)
    report.warning('ENODEDRBDVERSION', node, `DRBD version mismatch: ${version}`);
}

export function checkFolders(
  { report, configuration }: Gathered,
  node: Node,
  { storageProblems, forbiddenStoragePaths }: NodeAnswer,
): void {
  for (const { template, fault } of storageProblems) {
    const code = folderCodes[template] ?? 'ENODEFILESTORAGEPATHUNUSABLE';
    report.error(code, node.name, `The configured ${template} storage path is unusable: ${fault}`);
  }
  // The list of the master is the one that counts.
  if (node.uuid === configuration.cluster.master_node && forbiddenStoragePaths.length > 0)
    report.error(
      'ENODEFILESTORAGEPATHS',
      node.name,
      `Found forbidden file storage paths: ${forbiddenStoragePaths.join(', ')}`,
    );
}

/** "group/volume" of every disk, by node. */
export function expectedVolumes(configuration: Configuration): ReadonlyMap<string, ReadonlySet<string>> {
  const expected = new Map<string, Set<string>>();
  const visit = (disk: Disk) => {
    for (const child of disk.children ?? []) visit(child);
    if (!storageAbout(disk.dev_type).volumeGroup || (disk.children ?? []).length > 0) return;
    for (const node of disk.nodes) {
      const names = expected.get(node) ?? new Set<string>();
      expected.set(node, names.add((disk.logical_id ?? []).join('/')));
    }
  };
  for (const disk of configuration.disks) visit(disk);
  return expected;
}

export function reservedVolumes({ cluster }: Configuration): (volume: string) => boolean {
  const patterns = cluster.reserved_lvs.map((pattern) => new RegExp(`^(?:${pattern})$`));
  return (volume) => patterns.some((pattern) => pattern.test(volume));
}

/** Volumes that nobody knows, unless they are reserved. */
export function verifyOrphanVolumes(
  { configuration, answers, report }: Gathered,
  nodes: readonly Node[],
): void {
  const expected = expectedVolumes(configuration);
  const isReserved = reservedVolumes(configuration);
  for (const node of nodes) {
    const reply = answers.get(node.uuid);
    if (reply?.kind !== 'answered') continue;
    for (const { vg, name } of reply.value.logicalVolumes ?? []) {
      const full = `${vg}/${name}`;
      const isOurs = vg === configuration.cluster.volume_group_name;
      if (!isOurs || expected.get(node.uuid)?.has(full) || isReserved(full)) continue;
      report.warning('ENODEORPHANLV', node.name, `volume ${full} is unknown`);
    }
  }
}
