/** Files that must be the same on the nodes, in a group verification: there where they belong, and alike. */
import type { Paths } from '../../kit/paths.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import type { Node } from '../../model/objects/node.ts';
import { ancillaryFiles } from './ancillary-files.ts';
import type { Gathered } from './verify-nodes.ts';

export interface WatchedFile {
  /** As the node knows it: without the root of a virtual one. */
  readonly path: string;
  readonly vmNodes: boolean;
  /** All nodes have it, or none. */
  readonly optional: boolean;
}

/** What the cluster distributes, and its certificate. */
export function watchedFiles(cluster: Cluster, paths: Paths): WatchedFile[] {
  const bare = (path: string) => (path.startsWith(paths.root) ? path.slice(paths.root.length) : path);
  const files = ancillaryFiles(cluster, paths).map(({ path, vmNodes = false, optional = false }) => ({
    path: bare(path),
    vmNodes,
    optional,
  }));
  return [{ path: bare(paths.serverCertificate), vmNodes: false, optional: false }, ...files];
}

const names = (nodes: readonly Node[]) => nodes.map(({ name }) => name).join(', ');

function verifyPresence(
  { report }: Gathered,
  { path, optional }: WatchedFile,
  expected: readonly Node[],
  without: readonly Node[],
): void {
  if (without.length === 0) return;
  if (!optional)
    report.error('ECLUSTERFILECHECK', null, `File ${path} is missing from node(s) ${names(without)}`);
  else if (without.length < expected.length)
    report.error(
      'ECLUSTERFILECHECK',
      null,
      `File ${path} is optional, but it must exist on all or no nodes (not found on ${names(without)})`,
    );
}

export function verifyFiles(gathered: Gathered, nodes: readonly Node[], files: readonly WatchedFile[]): void {
  const { answers, report } = gathered;
  const sums = new Map<string, Readonly<Record<string, string>>>();
  for (const node of nodes.filter(({ offline }) => !offline)) {
    const reply = answers.get(node.uuid);
    if (reply?.kind === 'answered') sums.set(node.uuid, reply.value.fileChecksums);
    else report.error('ENODEFILECHECK', node.name, 'Node did not return file checksum data');
  }
  for (const file of files) {
    const expected = nodes.filter(({ uuid, vm_capable }) => sums.has(uuid) && (!file.vmNodes || vm_capable));
    const variants = Map.groupBy(expected, ({ uuid }) => sums.get(uuid)![file.path] ?? '');
    verifyPresence(gathered, file, expected, variants.get('') ?? []);
    variants.delete('');
    if (variants.size < 2) continue;
    const told = [...variants]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, holders], index) => `variant ${index + 1} on ${names(holders)}`);
    report.error(
      'ECLUSTERFILECHECK',
      null,
      `File ${file.path} found with ${variants.size} different checksums (${told.join('; ')})`,
    );
  }
}
