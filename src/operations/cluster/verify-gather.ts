/**
 * What a group verification asks: each node once for itself, and once for all disks that are active on it. A node that
 * gave no answer to the first question isn't asked again, so a dead one costs its deadline once.
 */
import { join } from 'node:path';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledNic, filledNode, hypervisorDefaults } from '../../model/params/fill.ts';
import { networkAbout } from '../../networks/catalog.ts';
import type { ArgumentOf, Reply } from '../../noderpc/call.ts';
import { blockdevStatus, type DiskStatus } from '../../noderpc/calls/disk.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { nodeVerify } from '../../noderpc/calls/verify.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { diskOnNode } from '../on-node.ts';
import type { PlanContext } from '../operation.ts';
import { externalMasterIpScript } from './ancillary-files.ts';
import type { WatchedFile } from './verify-files.ts';
import type { DiskStates } from './verify-instances.ts';
import type { NodeAnswer } from './verify-nodes.ts';

export interface GroupInQuestion {
  readonly members: readonly Node[];
  /** Instances whose primary is one of the members. */
  readonly instances: readonly Instance[];
  readonly files: readonly WatchedFile[];
  readonly clutter: boolean;
}

/** Each node tries so many others, in a ring: every link is tried, and none by everybody. */
const ringSteps = [1, 2, 3];

/** Devices that interfaces of the guests are on, with the way they are used. */
function linksOf({ cluster }: Configuration, instances: readonly Instance[]) {
  const links = new Map<string, { mode: string; link: string }>();
  const nics = [{ nicparams: {} }, ...instances.flatMap((instance) => instance.nics)];
  for (const nic of nics) {
    const { mode, link } = filledNic(cluster, nic);
    if (networkAbout(mode).linkIsDevice) links.set(`${mode} ${link}`, { mode, link });
  }
  return [...links.values()];
}

/** Programs for power control of any node. */
function oobPrograms({ cluster, nodes, nodegroups }: Configuration): string[] {
  const programs = nodes
    .values()
    .map((node) => filledNode(cluster, nodegroups.get(node.group), node).oob_program);
  return [...new Set(programs)].filter((path) => path !== '' && path !== null).map(String);
}

function questionsFor(
  { configuration, paths }: PlanContext,
  { members, instances, files, clutter }: GroupInQuestion,
): (node: string) => ArgumentOf<typeof nodeVerify> {
  const { cluster } = configuration;
  const templates = cluster.enabled_disk_templates.map(storageAbout);
  const folders: Readonly<Record<string, string | null | undefined>> = {
    file: cluster.file_storage_dir,
    sharedfile: cluster.shared_file_storage_dir,
    gluster: cluster.gluster_storage_dir,
  };
  const script = externalMasterIpScript(paths).slice(paths.root.length);
  const common = nodeVerify.argument.parse({
    fileChecksums: files.map(({ path }) => path),
    hypervisors: cluster.enabled_hypervisors.map((name) => ({
      name,
      hvparams: hypervisorDefaults(cluster, name),
    })),
    volumeGroups:
      templates.some((about) => about.volumeGroup) && cluster.volume_group_name
        ? [cluster.volume_group_name]
        : [],
    drbd: templates.some((about) => about.mirrored === 'internal'),
    bridges: linksOf(configuration, instances),
    fileStorageDirs: templates.flatMap(({ name }) =>
      folders[name] ? [{ template: name, path: folders[name] }] : [],
    ),
    storagePathList: templates.some(({ name }) => name in folders),
    userScripts: cluster.use_external_mip_script ? [join('/', script)] : [],
    oobPrograms: oobPrograms(configuration),
    oses: true,
  });
  const online = members.filter((node) => !node.offline);
  return (uuid) => {
    const node = configuration.nodes.get(uuid)!;
    const at = online.findIndex((each) => each.uuid === uuid);
    const peers = ringSteps
      .map((step) => online[(at + step) % online.length]!)
      .filter((peer, index, all) => peer.uuid !== uuid && all.indexOf(peer) === index);
    return {
      ...common,
      addresses: [...new Set([node.primary_ip, node.secondary_ip])],
      peers: peers.map(({ name, primary_ip, secondary_ip }) => ({
        name,
        primary: primary_ip,
        secondary: secondary_ip,
      })),
      ssh: cluster.modify_ssh_setup
        ? {
            cluster: cluster.cluster_name,
            peers: peers
              .slice(0, 1)
              .map((peer) => ({ name: peer.name, port: sshPortOf(configuration, peer) })),
            clutter,
          }
        : null,
      masterIp: uuid === cluster.master_node ? { ip: cluster.master_ip, masterName: node.name } : null,
    };
  };
}

function sshPortOf({ cluster, nodegroups }: Configuration, node: Node): number {
  return Number(filledNode(cluster, nodegroups.get(node.group), node).ssh_port);
}

/** The master's files are what others are compared with, so it is asked for them wherever it is. */
export async function askNodes(
  context: PlanContext,
  group: GroupInQuestion,
): Promise<{
  readonly answers: ReadonlyMap<string, Reply<NodeAnswer>>;
  readonly withMaster: ReadonlyMap<string, Reply<NodeAnswer>>;
}> {
  const { configuration, nodes } = context;
  const master = configuration.cluster.master_node;
  const uuids = group.members.map(({ uuid }) => uuid);
  const [answers, ofMaster] = await Promise.all([
    nodes.callAll(uuids, nodeVerify, questionsFor(context, group)),
    uuids.includes(master)
      ? new Map<string, Reply<NodeAnswer>>()
      : nodes.callAll(
          [master],
          nodeVerify,
          nodeVerify.argument.parse({ fileChecksums: group.files.map(({ path }) => path) }),
        ),
  ]);
  return { answers, withMaster: new Map([...answers, ...ofMaster]) };
}

interface DiskInQuestion {
  readonly instance: string;
  readonly request: DiskOnNode;
}

/** Active disks of the instances by node, in the order of their instances. */
function disksByNode(configuration: Configuration, instances: readonly Instance[]) {
  const byNode = new Map<string, DiskInQuestion[]>();
  for (const instance of instances.filter(({ disks_active }) => disks_active)) {
    const disks = disksOf(configuration, instance);
    const homes = new Set(disks.flatMap((disk) => disk.nodes));
    for (const [index, disk] of disks.entries()) {
      for (const node of homes) {
        const request = diskOnNode(configuration, instance, disk, index, node);
        const found = byNode.get(node) ?? [];
        byNode.set(node, found);
        found.push({ instance: instance.uuid, request });
      }
    }
  }
  return byNode;
}

/** The states of all disks, one question a node. */
export async function askDisks(
  { configuration, nodes }: PlanContext,
  instances: readonly Instance[],
  answers: ReadonlyMap<string, Reply<NodeAnswer>>,
): Promise<DiskStates> {
  const byNode = disksByNode(configuration, instances);
  const isAsked = (node: string) => (answers.get(node)?.kind ?? 'answered') === 'answered';
  const asked = [...byNode.keys()].filter(isAsked);
  const replies = await nodes.callAll(asked, blockdevStatus, (node) => ({
    disks: byNode.get(node)!.map(({ request }) => request),
  }));
  const states = new Map<string, Map<string, Reply<(DiskStatus | null)[]>>>();
  for (const [node, disks] of byNode) {
    const reply = replies.get(node) ?? (answers.get(node) as Reply<never>);
    for (const [position, { instance }] of disks.entries()) {
      const ofInstance = states.get(instance) ?? new Map<string, Reply<(DiskStatus | null)[]>>();
      states.set(instance, ofInstance);
      if (reply.kind !== 'answered') {
        ofInstance.set(node, reply);
        continue;
      }
      const known = ofInstance.get(node);
      const status = reply.value[position] ?? null;
      if (known?.kind === 'answered') known.value.push(status);
      else ofInstance.set(node, { kind: 'answered', value: [status] });
    }
  }
  return states;
}
