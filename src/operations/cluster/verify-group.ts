/** OP_CLUSTER_VERIFY_GROUP: asks every node of a group once, at the same time, and compares the answers. */
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, groupNamed, masterNode, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend, filledNic, hypervisorDefaults } from '../../model/params/fill.ts';
import { networkAbout } from '../../networks/catalog.ts';
import type { ArgumentOf, Reply } from '../../noderpc/call.ts';
import { blockdevStatus, type DiskStatus } from '../../noderpc/calls/disk.ts';
import { nodeVerify, version } from '../../noderpc/calls/node.ts';
import { ClusterVerifyGroup } from '../../opcodes/cluster.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { disksOnNode } from '../on-node.ts';
import { operation, type PlanContext } from '../operation.ts';
import {
  type DiskStates,
  verifyFailoverMemory,
  verifyInstance,
  verifyUnknownGuests,
} from './verify-instances.ts';
import { type Gathered, verifyFiles, verifyNode, verifyOrphanVolumes } from './verify-nodes.ts';
import { VerifyReport } from './verify-report.ts';

function argumentFor(
  configuration: Configuration,
  context: PlanContext,
  group: readonly Node[],
  instances: readonly Instance[],
): (node: string) => ArgumentOf<typeof nodeVerify> {
  const { cluster } = configuration;
  const templates = cluster.enabled_disk_templates.map(storageAbout);
  const links = new Map<string, { mode: string; link: string }>();
  const nics = [{ nicparams: {} }, ...instances.flatMap((instance) => instance.nics)];
  for (const nic of nics) {
    const { mode, link } = filledNic(cluster, nic);
    if (networkAbout(mode).linkIsDevice) links.set(`${mode} ${link}`, { mode, link });
  }
  const folders: Readonly<Record<string, string>> = {
    file: cluster.file_storage_dir,
    sharedfile: cluster.shared_file_storage_dir,
  };
  const common = nodeVerify.argument.parse({
    fileChecksums: [
      context.paths.serverCertificate,
      context.paths.clusterDomainSecret,
      context.paths.confdHmacKey,
    ],
    hypervisors: cluster.enabled_hypervisors.map((name) => ({
      name,
      hvparams: hypervisorDefaults(cluster, name),
    })),
    volumeGroups:
      templates.some((about) => about.volumeGroup) && cluster.volume_group_name
        ? [cluster.volume_group_name]
        : [],
    drbd: templates.some((about) => about.mirrored === 'internal'),
    bridges: [...links.values()],
    fileStorageDirs: templates.flatMap((about) =>
      folders[about.name] ? [{ template: about.name, path: folders[about.name] }] : [],
    ),
    oses: true,
  });
  const online = group.filter((node) => !node.offline);
  return (uuid) => {
    const node = configuration.nodes.get(uuid)!;
    // Each node tries a few others, in a ring, so that every link is tried and none by everybody.
    const at = online.findIndex((each) => each.uuid === uuid);
    const peers = [1, 2, 3]
      .map((step) => online[(at + step) % online.length]!)
      .filter((peer, index, all) => peer.uuid !== uuid && all.indexOf(peer) === index);
    return {
      ...common,
      addresses: [...new Set([node.primary_ip, node.secondary_ip])],
      peers: peers.map((peer) => ({
        name: peer.name,
        primary: peer.primary_ip,
        secondary: peer.secondary_ip,
      })),
      masterIp: uuid === cluster.master_node ? { ip: cluster.master_ip, masterName: node.name } : null,
    };
  };
}

async function diskStates(context: PlanContext, instances: readonly Instance[]): Promise<DiskStates> {
  const { configuration, nodes } = context;
  const states = new Map<string, Map<string, Reply<readonly (DiskStatus | null)[]>>>();
  await Promise.all(
    instances
      .filter((instance) => instance.disks_active && disksOf(configuration, instance).length > 0)
      .map(async (instance) => {
        const where = [...new Set(disksOf(configuration, instance).flatMap((disk) => disk.nodes))];
        states.set(
          instance.uuid,
          new Map(
            await nodes.callAll(where, blockdevStatus, (node) => ({
              disks: disksOnNode(configuration, instance, node),
            })),
          ),
        );
      }),
  );
  return states;
}

function notes(
  { configuration, report }: Gathered,
  group: readonly Node[],
  instances: readonly Instance[],
): void {
  report.section('Other Notes');
  const count = (number: number, text: string) => {
    if (number > 0) report.notice(`${number} ${text}`);
  };
  const redundant = (instance: Instance) => {
    const [first] = disksOf(configuration, instance);
    return storageAbout(first?.dev_type ?? 'diskless').mirrored !== 'no';
  };
  count(instances.filter((instance) => !redundant(instance)).length, 'non-redundant instance(s) found.');
  count(
    instances.filter((instance) => !filledBackend(configuration.cluster, instance).auto_balance).length,
    'non-auto-balanced instance(s) found.',
  );
  count(
    instances.filter((instance) => instance.admin_state === 'offline').length,
    'offline instance(s) found.',
  );
  count(group.filter((node) => node.offline).length, 'offline node(s) found.');
  count(group.filter((node) => node.drained).length, 'drained node(s) found.');
}

function verifyNodes(gathered: Gathered, group: readonly Node[]): void {
  const { report, answers, configuration } = gathered;
  report.section('Verifying node status');
  for (const node of group) {
    if (node.offline) {
      report.detail(`Skipping offline node ${node.name}`);
      continue;
    }
    const role =
      node.uuid === configuration.cluster.master_node
        ? 'master'
        : node.master_candidate
          ? 'master candidate'
          : node.drained
            ? 'drained'
            : 'regular';
    report.detail(`Verifying node ${node.name} (${role})`);
    const reply = answers.get(node.uuid);
    if (reply?.kind === 'answered') verifyNode(gathered, node, reply.value);
    else if (reply !== undefined && reply.kind !== 'offline')
      report.error('ENODERPC', node.name, `while contacting node: ${reply.message}`);
  }
  verifyUnknownGuests(gathered, group);
}

export const clusterVerifyGroup = operation({
  opcode: ClusterVerifyGroup,
  steps: [],
  locks: (op, configuration) => {
    const group = groupNamed(configuration, op.group_name);
    const nodes = configuration.nodes.filter((node) => node.group === group.uuid);
    const instances = configuration.instances.filter((instance) =>
      nodes.some((node) => node.uuid === instance.primary_node),
    );
    return [
      ...instances.map(
        (instance): LockRequest => ({ level: 'instance', name: instance.name, mode: 'shared' }),
      ),
      { level: 'nodegroup', name: group.uuid, mode: 'shared' },
      ...nodes.map((node): LockRequest => ({ level: 'node', name: node.uuid, mode: 'shared' })),
    ];
  },
  plan: async (op, context): Promise<boolean> => {
    const { configuration } = context;
    const report = new VerifyReport({
      errorCodes: op.error_codes,
      ignored: op.ignore_errors,
      verbose: op.verbose,
      say: (text) => context.say(text),
    });
    const group = groupNamed(configuration, op.group_name);
    report.section(`Verifying group '${group.name}'`);
    const members = configuration.nodes.filter((node) => node.group === group.uuid);
    if (members.length === 0) {
      report.section('Empty node group, skipping verification');
      return true;
    }
    const uuids = members.map((node) => node.uuid);
    const instances = configuration.instances.filter((instance) =>
      nodesOf(configuration, instance).some((uuid) => uuids.includes(uuid)),
    );
    const primaries = instances.filter((instance) => uuids.includes(instance.primary_node));
    report.section(`Gathering data (${members.length} nodes)`);
    report.section(`Gathering information about nodes (${members.length} nodes)`);
    const askedFrom = context.now();
    const own = await context.nodes.call(masterNode(configuration).uuid, version, {});
    const answers = await context.nodes.callAll(
      uuids,
      nodeVerify,
      argumentFor(configuration, context, members, primaries),
    );
    const askedTo = context.now();
    report.section(`Gathering disk information (${members.length} nodes)`);
    const states = await diskStates(context, primaries);
    const gathered: Gathered = { configuration, answers, own, askedFrom, askedTo, report };
    for (const node of members) {
      const reply = answers.get(node.uuid);
      if (reply?.kind === 'unreachable')
        report.error('ENODERPC', node.name, `while getting disk information: ${reply.message}`);
    }
    report.section('Verifying configuration file consistency');
    verifyFiles(gathered, members);
    verifyNodes(gathered, members);
    report.section('Verifying instance status');
    for (const instance of primaries) verifyInstance(gathered, instance, states);
    report.section('Verifying orphan volumes');
    verifyOrphanVolumes(gathered, members);
    if (!op.skip_checks.includes('nplusone_mem')) {
      report.section('Verifying N+1 Memory redundancy');
      verifyFailoverMemory(gathered, members);
    }
    notes(gathered, members, primaries);
    report.section('Hooks Results');
    return !report.bad;
  },
  run: async (good) => good,
});
