/**
 * A cluster of any size around a virtual one: the three nodes with daemons stay, and as many others, marked
 * offline, and instances with disks are written into its config.data while the master daemon is down. Nobody
 * calls the others, so what is measured is the master.
 */
import { readFile, writeFile } from 'node:fs/promises';
import type { VirtualLab } from '../../lab/harness/virtual.ts';
import { sampleConfiguration } from '../../src/config/sample.ts';

type Json = Record<string, unknown>;
type Objects = Record<string, Json>;

const masterd = 'ganeti-masterd';

/** Every value of the text that is a key of the map becomes what it stands for. */
function renamed<T>(value: T, names: ReadonlyMap<string, string>): T {
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
    typeof part === 'string' ? (names.get(part) ?? part) : part,
  ) as T;
}

/** Brings the lab's cluster to so many nodes and instances; half of the instances have mirrored disks. */
export async function enlarge(lab: VirtualLab, nodes: number, instances: number): Promise<void> {
  await lab.output('node1', ['gnt-cluster', 'redist-conf']);
  await lab.output('node1', ['daemon-util', 'stop', masterd]);
  const path = lab.paths('node1').configFile;
  const config = JSON.parse(await readFile(path, 'utf8')) as Json & {
    cluster: Json;
    nodes: Objects;
    nodegroups: Objects;
    serial_no: number;
  };
  const sample = sampleConfiguration({ nodes, instances, mirrored: Math.floor(instances / 2) });
  const present = Object.values(config.nodes);
  const names = new Map<string, string>();
  for (const [index, node] of [...sample.nodes].entries())
    if (index < present.length) names.set(node.uuid, present[index]!.uuid as string);
  const [group] = [...sample.nodegroups];
  names.set(group!.uuid, Object.keys(config.nodegroups)[0]!);
  const added = (list: Iterable<{ readonly uuid: string }>) =>
    Object.fromEntries([...list].map((object) => [object.uuid, renamed(object, names)]));
  const offline = [...sample.nodes]
    .slice(present.length)
    .map((node) => ({ ...node, offline: true, master_candidate: false, master_capable: false }));
  Object.assign(config.nodes, added(offline));
  config.instances = added(sample.instances);
  config.disks = added(sample.disks);
  config.cluster.enabled_disk_templates = [
    ...(config.cluster.enabled_disk_templates as string[]),
    'plain',
    'drbd',
  ];
  config.cluster.volume_group_name = 'xenvg';
  config.cluster.highest_used_port = sample.cluster.highest_used_port;
  config.serial_no += 1;
  await writeFile(path, JSON.stringify(config));
}
