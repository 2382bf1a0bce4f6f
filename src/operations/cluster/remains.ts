/**
 * What is provably nobody's. A volume is when it stands in the cluster's volume group with the mark of an instance, no
 * disk of the configuration has it there, no job and no stranded step has reserved it, and nobody has it open. A mirror
 * is when it is secondary and stands on such a volume; an address and a port are when no object claims them. What
 * lacks one link of the proof is told with the reason, and left alone. Pure.
 */
import { claim, factsOf, factsOfCluster } from '../../config/claims.ts';
import { firstPort, lastPort } from '../../config/pools.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Node } from '../../model/objects/node.ts';
import { addressText, parseSubnet } from '../../networks/address-pool.ts';
import type { LogicalVolume } from '../../noderpc/calls/node.ts';
import type { MinorFacts } from '../../noderpc/calls/remains.ts';
import { storageTemplates } from '../../storage/catalog.ts';
import { expectedMinors, expectedVolumes, reservedVolumes } from './verify-storage.ts';

/** `name` is what a request calls it, `about` says to people what it is. */
interface Named {
  readonly name: string;
  readonly about: string;
}
export type Remains = Named &
  (
    | { readonly kind: 'mirror'; readonly node: string; readonly facts: MinorFacts }
    | {
        readonly kind: 'volume';
        readonly node: string;
        readonly vg: string;
        readonly volume: string;
        readonly mark: string;
      }
    | { readonly kind: 'address'; readonly network: string; readonly place: number }
    | { readonly kind: 'port'; readonly port: number }
  );

/** Something without an owner for which the proof isn't whole. */
export interface Doubtful {
  readonly name: string;
  readonly reason: string;
}

export interface Found {
  readonly remains: readonly Remains[];
  readonly doubtful: readonly Doubtful[];
}

/** What a node says it has. */
export interface Holdings {
  readonly volumes: readonly LogicalVolume[];
  readonly minors: readonly MinorFacts[];
}

/** Tag that a volume gets when it is made for an instance (cmdlib GetInstanceInfoText). */
const markOf = (tags: readonly string[]) => tags.find((tag) => tag.startsWith('originstname+'));
const mirrorTemplate = storageTemplates.find(({ mirrored }) => mirrored === 'internal')!.name;
const volumeTemplate = storageTemplates.find((about) => about.volumeGroup && about.mirrored === 'no')!.name;

/** A disk that claims nothing but what is asked about. */
function claimant(template: string, logicalId: Disk['logical_id']): Disk {
  const nobody = { uuid: '', serial_no: 1, ctime: 0, mtime: 0, iv_name: '', size: 0, mode: 'rw' } as const;
  return { ...nobody, dev_type: template, logical_id: logicalId, nodes: [] };
}

/** Why a volume isn't provably nobody's, or the mark of the instance that it was made for. */
function judgeVolume(
  { vg, name, tags }: LogicalVolume,
  isReserved: (disk: Disk) => boolean,
): { readonly mark: string } | { readonly reason: string } {
  const mark = markOf(tags);
  if (mark === undefined) return { reason: 'it has no mark of an instance' };
  if (isReserved(claimant(volumeTemplate, [vg, name])))
    return { reason: 'a job or a stranded step has reserved it' };
  return { mark };
}

/**
 * Volumes and mirrors of one node.
 * @param isReserved whether a job or a stranded step has reserved what the disk claims
 */
export function remainsOfNode(
  configuration: Configuration,
  node: Node,
  { volumes, minors }: Holdings,
  isReserved: (disk: Disk) => boolean,
): Found {
  const remains: Remains[] = [];
  const doubtful: Doubtful[] = [];
  const expected = expectedVolumes(configuration).get(node.uuid);
  const isKept = reservedVolumes(configuration);
  const orphans = new Map<string, LogicalVolume>();
  for (const volume of volumes) {
    const full = `${volume.vg}/${volume.name}`;
    const isOurs = volume.vg === configuration.cluster.volume_group_name;
    if (isOurs && !expected?.has(full) && !isKept(full)) orphans.set(full, volume);
  }
  const known = expectedMinors(configuration).get(node.uuid);
  const below = new Set<string>();
  for (const facts of minors.filter(({ minor }) => !known?.has(minor))) {
    const name = `mirror ${node.name} ${facts.minor}`;
    const reason = whyNotDown(node, facts, orphans, isReserved);
    if (reason !== undefined) {
      doubtful.push({ name, reason });
      continue;
    }
    for (const path of [facts.dataDevice, facts.metaDevice]) below.add(volumeAt(path));
    const about = `DRBD minor ${facts.minor} on ${volumeAt(facts.dataDevice)}`;
    remains.push({ kind: 'mirror', name, about, node: node.uuid, facts });
  }
  for (const [full, volume] of orphans) {
    const name = `volume ${node.name} ${full}`;
    const verdict = judgeVolume(volume, isReserved);
    if ('reason' in verdict) doubtful.push({ name, reason: verdict.reason });
    else if (volume.online && !below.has(full)) doubtful.push({ name, reason: 'it is in use' });
    else {
      const { mark } = verdict;
      const about = `${Math.round(volume.size)} MiB, made for ${mark.slice(mark.indexOf('+') + 1)}`;
      const { uuid } = node;
      remains.push({ kind: 'volume', name, about, node: uuid, vg: volume.vg, volume: volume.name, mark });
    }
  }
  return { remains, doubtful };
}

/** "group/volume" of a path below /dev; empty when there is none. */
function volumeAt(path: string | null): string {
  return path?.replace(/^\/dev\//, '') ?? '';
}

function whyNotDown(
  node: Node,
  { minor, isPrimary, dataDevice }: MinorFacts,
  orphans: ReadonlyMap<string, LogicalVolume>,
  isReserved: (disk: Disk) => boolean,
): string | undefined {
  if (isPrimary) return 'it is primary: somebody may be using it';
  if (dataDevice === null) return 'it stands on no volume that says whose it was';
  const volume = orphans.get(volumeAt(dataDevice));
  if (volume === undefined) return `it stands on ${dataDevice}, which is not left over`;
  if (isReserved(claimant(mirrorTemplate, [node.uuid, node.uuid, 0, minor, minor, ''])))
    return 'a job or a stranded step has reserved it';
  const verdict = judgeVolume(volume, isReserved);
  return 'reason' in verdict ? `of its volume: ${verdict.reason}` : undefined;
}

/** Everything that objects of the configuration claim, and the free ports. */
function claimed(configuration: Configuration): Set<string> {
  const { cluster, instances, disks } = configuration;
  const keys = new Set(factsOfCluster(cluster).claims);
  for (const instance of instances)
    for (const key of factsOf('instances', instance, cluster).claims) keys.add(key);
  for (const disk of disks) for (const key of factsOf('disks', disk, cluster).claims) keys.add(key);
  return keys;
}

/** Addresses that networks believe to be an instance's, and ports that are neither used nor free. */
export function ghostReservations(configuration: Configuration): Remains[] {
  const keys = claimed(configuration);
  const found: Remains[] = [];
  for (const { uuid, name, network, reservations } of configuration.networks) {
    if (network === null || !reservations) continue;
    const { base } = parseSubnet(network);
    for (let place = reservations.indexOf('1'); place >= 0; place = reservations.indexOf('1', place + 1)) {
      const address = addressText(base + place);
      if (keys.has(claim('network-ip', `${uuid}/${address}`))) continue;
      const about = 'reserved for an interface that no instance has';
      found.push({ kind: 'address', name: `address ${name} ${address}`, about, network: uuid, place });
    }
  }
  const last = Math.min(configuration.cluster.highest_used_port, lastPort);
  for (let port = firstPort; port <= last; port += 1) {
    if (keys.has(claim('port', port))) continue;
    found.push({ kind: 'port', name: `port ${port}`, about: 'neither used nor free', port });
  }
  return found;
}
