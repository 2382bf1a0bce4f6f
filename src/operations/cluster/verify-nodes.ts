/** Checks of one node's answers in a group verification. */

import type { Configuration } from '../../model/configuration.ts';
import type { Node } from '../../model/objects/node.ts';
import type { Reply, ResultOf } from '../../noderpc/call.ts';
import type { version } from '../../noderpc/calls/node.ts';
import type { nodeVerify } from '../../noderpc/calls/verify.ts';
import type { VerifyReport } from './verify-report.ts';
import { checkFolders, checkMirrors, checkVolumeGroup, type expectedMinors } from './verify-storage.ts';

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
  /** Minors that the configuration gives to mirrors, by node. */
  readonly minors: ReturnType<typeof expectedMinors>;
  /** Nodes on which a guest of that name runs. */
  readonly guests: ReadonlyMap<string, ReadonlySet<string>>;
  readonly report: VerifyReport;
}

/** Where guests run, by name. */
export function guestsOf(
  answers: ReadonlyMap<string, Reply<NodeAnswer>>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const guests = new Map<string, Set<string>>();
  for (const [node, reply] of answers) {
    if (reply.kind !== 'answered') continue;
    for (const name of reply.value.hypervisors.flatMap(({ instances }) => instances))
      guests.set(name, (guests.get(name) ?? new Set<string>()).add(node));
  }
  return guests;
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
  for (const [part, fault] of Object.entries(answer.faults)) {
    // Those of storage and mirrors are told where they are looked at.
    if (part === 'drbd' || part === 'volumeGroups') continue;
    report.error('ENODESETUP', node.name, `node setup error: ${part}: ${fault}`);
  }
}

/** The certificate that a node shows, and what the cluster knows of it. */
export function verifyCertificate({ report, configuration }: Gathered, node: Node, answer: NodeAnswer): void {
  const { fault } = answer.clientCertificate;
  if (fault !== null)
    report.error(
      'ECLUSTERCLIENTCERT',
      null,
      `Client certificate of node '${node.name}' failed validation: ${fault}`,
    );
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

function checkPrograms({ report }: Gathered, node: Node, answer: NodeAnswer): void {
  if (answer.missingScripts.length > 0)
    report.error(
      'ENODEUSERSCRIPTS',
      node.name,
      `user scripts not present or not executable: ${[...answer.missingScripts].sort().join(', ')}`,
    );
  // They are started on the master, so where a node may become it.
  if (!node.master_candidate && !node.master_capable) return;
  for (const fault of answer.oobFaults) report.error('ENODEOOBPATH', node.name, fault);
}

function checkSsh({ report }: Gathered, node: Node, answer: NodeAnswer): void {
  for (const [peer, fault] of Object.entries(answer.sshFaults))
    report.error('ENODESSH', node.name, `ssh communication with node '${peer}': ${fault}`);
  if (answer.sshClutter.length > 0) report.error('ENODESSH', node.name, answer.sshClutter.join(' '));
}

/** Tags of which no two instances of a node may have the same one (htools:iextags). */
const exclusionPrefix = 'htools:iextags:';

export function verifyExclusionTags({ configuration, report }: Gathered, node: Node): void {
  const prefixes = configuration.cluster.tags
    .filter((tag) => tag.startsWith(exclusionPrefix))
    .map((tag) => tag.slice(exclusionPrefix.length));
  if (prefixes.length === 0) return;
  const seen = new Set<string>();
  const conflicts = new Set<string>();
  for (const instance of configuration.instances) {
    if (instance.primary_node !== node.uuid) continue;
    for (const tag of instance.tags.filter((each) => prefixes.some((prefix) => each.startsWith(prefix)))) {
      if (seen.has(tag)) conflicts.add(tag);
      seen.add(tag);
    }
  }
  if (conflicts.size === 0) return;
  const list = [...conflicts].map((tag) => `'${tag}'`).join(', ');
  report.warning('EEXTAGS', node.name, `Tags where there is more than one instance: [${list}]`);
}

/** Every check of one node that is online. */
export function verifyNode(gathered: Gathered, node: Node, answer: NodeAnswer): void {
  checkBasics(gathered, node, answer);
  checkNetwork(gathered, node, answer);
  checkSsh(gathered, node, answer);
  checkPrograms(gathered, node, answer);
  checkFolders(gathered, node, answer);
  if (!node.vm_capable) return;
  checkHypervisors(gathered, node, answer);
  checkVolumeGroup(gathered, node, answer);
  checkMirrors(gathered, node, answer);
  verifyExclusionTags(gathered, node);
}
