/** Files that must be alike on the nodes, read on the master and written to the others (cmdlib RedistributeAncillaryFiles). */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { Failure, messageOf } from '../../kit/failure.ts';
import type { Paths } from '../../kit/paths.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import type { ArgumentOf } from '../../noderpc/call.ts';
import { uploadFile } from '../../noderpc/calls/node.ts';
import { nodesByName } from '../node/wanted.ts';
import type { JobHandle } from '../operation.ts';
import { faultOf } from '../replies.ts';

type Upload = ArgumentOf<typeof uploadFile>;

interface Wanted {
  readonly path: string;
  /** Only nodes that may have guests. */
  readonly vmNodes?: boolean;
  /** Need not be there. */
  readonly optional?: boolean;
}

/** The script of the site that handles the cluster's address. */
export function externalMasterIpScript(paths: Paths): string {
  return join(paths.configDir, 'scripts', 'master-ip-setup');
}

export function ancillaryFiles(cluster: Cluster, paths: Paths): Wanted[] {
  const everywhere = [
    paths.rapiCertificate,
    paths.spiceCertificate,
    paths.spiceCaCertificate,
    paths.rapiUsers,
    paths.confdHmacKey,
    paths.clusterDomainSecret,
    ...(cluster.modify_ssh_setup ? [paths.knownHosts] : []),
    ...(cluster.modify_etc_hosts ? [paths.etcHosts] : []),
    ...(cluster.use_external_mip_script ? [externalMasterIpScript(paths)] : []),
  ];
  const abouts = cluster.enabled_hypervisors.map(hypervisorAbout);
  const hypervisors = new Set(abouts.flatMap((about) => about.ancillaryFiles));
  const optional = new Set(abouts.flatMap((about) => about.optionalAncillaryFiles ?? []));
  return [
    ...everywhere.map((path) => ({ path, optional: path === paths.rapiUsers })),
    ...[...hypervisors].map((path) => ({
      path: join(paths.root, path),
      vmNodes: true,
      optional: optional.has(path),
    })),
  ];
}

/** The name of a number in the text of /etc/passwd or /etc/group. */
function nameIn(text: string, id: number): string | undefined {
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (number === String(id)) return name;
  }
  return undefined;
}

/** The file as it lies here, or nothing when it doesn't; its owner goes by name. */
async function readUpload(paths: Paths, path: string): Promise<Upload | undefined> {
  let content: Buffer;
  let state: Awaited<ReturnType<typeof stat>>;
  try {
    content = await readFile(path);
    state = await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure('OpExecError', [`Can't read ${path}: ${messageOf(error)}`], { cause: error });
  }
  const owner = nameIn(await readFile('/etc/passwd', 'utf8'), Number(state.uid)) ?? 'root';
  const group = nameIn(await readFile('/etc/group', 'utf8'), Number(state.gid)) ?? 'root';
  const onNode = paths.root === '' ? path : path.slice(paths.root.length);
  const mode = Number(state.mode) & 0o7777;
  return { path: onNode, content: content.toString('base64'), encoding: 'base64', mode, owner, group };
}

/**
 * Warns of each node that a file doesn't reach; files that aren't here are left out.
 * @param only paths; all of them when not given
 * @param to uuids of nodes; all that are online when not given
 */
export async function uploadAncillaryFiles(
  job: JobHandle,
  only?: readonly string[],
  to?: readonly string[],
): Promise<void> {
  const { config, nodes, paths } = job.world;
  const { current } = config;
  const { cluster } = current;
  for (const { path, vmNodes = false } of ancillaryFiles(cluster, paths)) {
    if (only !== undefined && !only.includes(path)) continue;
    const file = await readUpload(paths, path);
    if (file === undefined) continue;
    const targets = nodesByName(current).filter(
      (node) =>
        !node.offline &&
        node.uuid !== cluster.master_node &&
        (!vmNodes || node.vm_capable) &&
        (to === undefined || to.includes(node.uuid)),
    );
    const replies = await nodes.callAll(
      targets.map(({ uuid }) => uuid),
      uploadFile,
      file,
    );
    for (const { uuid, name } of targets) {
      const fault = faultOf(replies.get(uuid));
      if (fault !== undefined) job.warn(`Copy of file ${path} to node ${name} failed: ${fault}`);
    }
  }
}
