/** Checks of one node's answers in a group verification. */

import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Node } from '../../model/objects/node.ts';
import type { Reply, ResultOf } from '../../noderpc/call.ts';
import type { nodeVerify, version } from '../../noderpc/calls/node.ts';
import { storageAbout } from '../../storage/catalog.ts';
import type { VerifyReport } from './verify-report.ts';

export type NodeAnswer = ResultOf<typeof nodeVerify>;
export type OwnVersion = ResultOf<typeof version>;

/** Seconds that clocks may differ (constants.NODE_MAX_CLOCK_SKEW). */
const clockSkew = 150;

/** Every answer of a group, and what they are compared with. */
export interface Gathered {
  readonly configuration: Configuration;
  readonly answers: ReadonlyMap<string, Reply<NodeAnswer>>;
  readonly own: OwnVersion;
  /** Seconds since the epoch before and after the nodes were asked. */
  readonly askedFrom: number;
  readonly askedTo: number;
  readonly report: VerifyReport;
}

function checkBasics({ report, own, askedFrom, askedTo }: Gathered, node: Node, answer: NodeAnswer): void {
  if (answer.protocol !== own.protocol) {
    report.error(
      'ENODEVERSION',
      node.name,
      `incompatible protocol versions: master ${own.protocol}, node ${answer.protocol}`,
    );
  } else if (answer.release !== own.release) {
    report.warning(
      'ENODEVERSION',
      node.name,
      `software version mismatch: master ${own.release}, node ${answer.release}`,
    );
  }
  const off =
    answer.time < askedFrom - clockSkew
      ? askedFrom - answer.time
      : answer.time > askedTo + clockSkew
        ? answer.time - askedTo
        : null;
  if (off !== null)
    report.error(
      'ENODETIME',
      node.name,
      `Node time diverges by at least ${off.toFixed(1).padStart(4, '0')}s from master node time`,
    );
  for (const [part, fault] of Object.entries(answer.faults))
    report.error('ENODESETUP', node.name, `node setup error: ${part}: ${fault}`);
  const { fault } = answer.clientCertificate;
  if (fault !== null)
    report.error(
      'ECLUSTERCLIENTCERT',
      null,
      `Client certificate of node '${node.name}' failed validation: ${fault}`,
    );
}

function checkCertificate({ report, configuration }: Gathered, node: Node, answer: NodeAnswer): void {
  const known = configuration.cluster.candidate_certs[node.uuid];
  const { digest } = answer.clientCertificate;
  if (!node.master_candidate || digest === null) return;
  if (known === undefined) {
    report.error(
      'ECLUSTERCLIENTCERT',
      null,
      `Node '${node.name}' is a master candidate but its certificate digest is not known to the cluster`,
    );
  } else if (known !== digest) {
    report.error(
      'ECLUSTERCLIENTCERT',
      null,
      `Client certificate digest of node '${node.name}' does not match its entry in the candidate map`,
    );
  }
}

function checkHypervisors({ report }: Gathered, node: Node, answer: NodeAnswer): void {
  for (const { name, fault } of answer.hypervisors) {
    if (fault !== null) report.error('ENODEHV', node.name, `hypervisor ${name} verify failure: '${fault}'`);
  }
}

function checkVolumeGroup({ report, configuration }: Gathered, node: Node, answer: NodeAnswer): void {
  const group = configuration.cluster.volume_group_name;
  const usesGroups = configuration.cluster.enabled_disk_templates.some(
    (template) => storageAbout(template).volumeGroup,
  );
  if (!group || !usesGroups) return;
  if (answer.volumeGroups === null) report.error('ENODELVM', node.name, 'unable to check volume groups');
  else if (answer.volumeGroups[group] === undefined)
    report.error('ENODELVM', node.name, `volume group '${group}' missing`);
  for (const volume of answer.physicalVolumes ?? []) {
    if (volume.name.includes(':'))
      report.error(
        'ENODELVM',
        node.name,
        `Invalid character ':' in PV '${volume.name}' of VG '${volume.vg}'`,
      );
  }
}

function checkNetwork({ report }: Gathered, node: Node, answer: NodeAnswer): void {
  if (answer.missingBridges.length > 0)
    report.error('ENODENET', node.name, `missing bridges: ${answer.missingBridges.join(', ')}`);
  for (const address of answer.missingAddresses)
    report.error('ENODENET', node.name, `address ${address} is not on any interface of this node`);
  for (const { name, address } of answer.unreachablePeers) {
    report.error(
      'ENODENET',
      node.name,
      `tcp communication with node '${name}': failure using the interface of address ${address}`,
    );
  }
  if (answer.masterIpReachable === false)
    report.error('ENODENET', node.name, 'the master node cannot reach the master IP');
}

function checkFiles({ report }: Gathered, node: Node, answer: NodeAnswer): void {
  for (const fault of answer.storageFaults) report.error('ENODEFILESTORAGEPATHUNUSABLE', node.name, fault);
  for (const script of answer.missingScripts)
    report.error('ENODEUSERSCRIPTS', node.name, `user scripts not present or not executable: ${script}`);
}

/** Minors of mirrored disks that the configuration puts on `node`, with their instances' names. */
function expectedMinors(
  configuration: Configuration,
  node: string,
): Map<number, { readonly name: string; readonly active: boolean }> {
  const minors = new Map<number, { name: string; active: boolean }>();
  for (const instance of configuration.instances) {
    for (const uuid of instance.disks) {
      const disk = configuration.disks.get(uuid);
      if (disk === undefined || storageAbout(disk.dev_type).mirrored !== 'internal') continue;
      const [nodeA, nodeB, , minorA, minorB] = disk.logical_id ?? [];
      const active = instance.disks_active;
      if (nodeA === node) minors.set(Number(minorA), { name: instance.name, active });
      if (nodeB === node) minors.set(Number(minorB), { name: instance.name, active });
    }
  }
  return minors;
}

function checkMirrors({ report, configuration }: Gathered, node: Node, answer: NodeAnswer): void {
  if (answer.drbd === null) return;
  const helper = configuration.cluster.drbd_usermode_helper;
  if (helper && answer.drbd.helper !== helper)
    report.error('ENODEDRBDHELPER', node.name, `wrong drbd usermode helper: ${answer.drbd.helper}`);
  const expected = expectedMinors(configuration, node.uuid);
  const used = new Set(answer.drbd.minors);
  for (const [minor, { name, active }] of expected) {
    if (active && !used.has(minor))
      report.error('ENODEDRBD', node.name, `drbd minor ${minor} of instance ${name} is not active`);
  }
  for (const minor of used) {
    if (!expected.has(minor))
      report.error('ENODEDRBD', node.name, `unallocated drbd minor ${minor} is in use`);
  }
}

/** Every check of one node that is online. */
export function verifyNode(gathered: Gathered, node: Node, answer: NodeAnswer): void {
  checkBasics(gathered, node, answer);
  checkCertificate(gathered, node, answer);
  if (node.vm_capable) {
    checkHypervisors(gathered, node, answer);
    checkVolumeGroup(gathered, node, answer);
    checkMirrors(gathered, node, answer);
  }
  checkNetwork(gathered, node, answer);
  checkFiles(gathered, node, answer);
}

/** Files that must be the same everywhere: which checksums differ. */
export function verifyFiles({ answers, report }: Gathered, nodes: readonly Node[]): void {
  const byFile = new Map<string, Map<string, string[]>>();
  for (const node of nodes) {
    const reply = answers.get(node.uuid);
    if (node.offline) continue;
    if (reply?.kind !== 'answered') {
      report.error('ENODEFILECHECK', node.name, 'Node did not return file checksum data');
      continue;
    }
    for (const [path, sum] of Object.entries(reply.value.fileChecksums)) {
      const sums = byFile.get(path) ?? new Map<string, string[]>();
      byFile.set(path, sums);
      sums.set(sum, [...(sums.get(sum) ?? []), node.name]);
    }
  }
  for (const [path, sums] of byFile) {
    if (sums.size < 2) continue;
    const variants = [...sums.values()].map((names, index) => `variant ${index + 1} on ${names.join(', ')}`);
    report.error(
      'ECLUSTERFILECHECK',
      null,
      `File ${path} found with ${sums.size} different checksums (${variants.join('; ')})`,
    );
  }
}

/** Volumes that nobody knows, unless they are reserved. */
export function verifyOrphanVolumes(
  { configuration, answers, report }: Gathered,
  nodes: readonly Node[],
): void {
  const expected = new Map<string, Set<string>>();
  const visit = (disk: Disk) => {
    for (const child of disk.children ?? []) visit(child);
    if (!storageAbout(disk.dev_type).volumeGroup || (disk.children ?? []).length > 0) return;
    for (const node of disk.nodes) {
      const names = expected.get(node) ?? new Set<string>();
      expected.set(node, names);
      names.add((disk.logical_id ?? []).join('/'));
    }
  };
  for (const disk of configuration.disks) visit(disk);
  const reserved = configuration.cluster.reserved_lvs.map((pattern) => new RegExp(`^(?:${pattern})$`));
  for (const node of nodes) {
    const reply = answers.get(node.uuid);
    if (reply?.kind !== 'answered') continue;
    const found = (reply.value.logicalVolumes ?? []).filter(
      (volume) => volume.vg === configuration.cluster.volume_group_name,
    );
    for (const { vg, name } of found) {
      const full = `${vg}/${name}`;
      if (expected.get(node.uuid)?.has(full) || reserved.some((pattern) => pattern.test(full))) continue;
      report.warning('ENODEORPHANLV', node.name, `volume ${full} is unknown`);
    }
  }
}
