/** Tables of nodes and instances, score tables, and where they go. */

import { components, freeShare, scoreComponents } from '../core/score/score.ts';
import type { NodeTable } from '../core/state/node-table.ts';
import { availableMemory } from '../core/state/resources.ts';
import type { Cluster, Part } from '../core/terms/cluster.ts';
import { decimal, fixed, table } from '../core/terms/format.ts';
import { writeText } from '../load/text-write.ts';
import { withSuffix, writeTextFile } from './files.ts';
import type { Options } from './options.ts';
import type { ProgramContext } from './program.ts';

interface Field {
  readonly header: string;
  readonly numeric: boolean;
  readonly show: (nodes: NodeTable, node: number) => string;
}

function numeric(header: string, show: Field['show']): Field {
  return { header, numeric: true, show };
}

function textual(header: string, show: Field['show']): Field {
  return { header, numeric: false, show };
}

function whole(value: number, width: number): string {
  return String(value).padStart(width);
}

const indexList = (list: readonly number[]) => `[${list.join(',')}]`;

const nodeFields: Readonly<Record<string, Field>> = {
  idx: numeric('Index', (_, n) => whole(n, 4)),
  name: textual('Name', (t, n) => t.alias[n]!),
  fqdn: textual('Name', (t, n) => t.name[n]!),
  status: textual('F', (t, n) => (t.offline[n] === 1 ? '-' : t.failsRedundancy(n) ? '*' : ' ')),
  tmem: numeric('t_mem', (t, n) => fixed(t.totalMemory[n]!, 0).padStart(5)),
  nmem: numeric('n_mem', (t, n) => whole(t.nodeMemory[n]!, 5)),
  xmem: numeric('x_mem', (t, n) => whole(t.unaccountedMemory[n]!, 5)),
  fmem: numeric('f_mem', (t, n) => whole(t.freeMemory[n]!, 5)),
  umem: numeric('u_mem', (t, n) => whole(t.unallocatedMemory(n), 5)),
  imem: numeric('i_mem', (t, n) => whole(t.instanceMemory[n]!, 5)),
  rmem: numeric('r_mem', (t, n) => whole(t.reservedMemory[n]!, 5)),
  amem: numeric('a_mem', (t, n) => whole(availableMemory(t, n), 5)),
  tdsk: numeric('t_dsk', (t, n) => fixed(t.totalDisk[n]! / 1024, 0).padStart(5)),
  fdsk: numeric('f_dsk', (t, n) => whole(Math.floor(t.freeDisk[n]! / 1024), 5)),
  tcpu: numeric('pcpu', (t, n) => fixed(t.totalCpus[n]!, 0).padStart(4)),
  ucpu: numeric('vcpu', (t, n) => whole(t.usedCpus[n]!, 4)),
  pcnt: numeric('pcnt', (t, n) => whole(t.primaries[n]!.length, 3)),
  scnt: numeric('scnt', (t, n) => whole(t.secondaries[n]!.length, 3)),
  plist: numeric('primaries', (t, n) => indexList(t.primaries[n]!)),
  slist: numeric('secondaries', (t, n) => indexList(t.secondaries[n]!)),
  pfmem: numeric('p_fmem', (t, n) => fixed(t.unallocatedMemory(n) / t.totalMemory[n]!, 4).padStart(6)),
  pfdsk: numeric('p_fdsk', (t, n) =>
    fixed(freeShare(t, n, t.freeDisk[n]!, t.freeSpindles[n]!), 4).padStart(6),
  ),
  rcpu: numeric('r_cpu', (t, n) => fixed(t.usedCpus[n]! / t.totalCpus[n]!, 2).padStart(5)),
  cload: numeric('lCpu', (t, n) => fixed(t.cpuLoad[n]!, 3).padStart(5)),
  mload: numeric('lMem', (t, n) => fixed(t.memoryLoad[n]!, 3).padStart(5)),
  dload: numeric('lDsk', (t, n) => fixed(t.diskLoad[n]!, 3).padStart(5)),
  nload: numeric('lNet', (t, n) => fixed(t.networkLoad[n]!, 3).padStart(5)),
  ptags: textual('PrimaryTags', (t, n) =>
    [...t.tagCounts[n]!]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([tag, count]) => `${tag}=${count}`)
      .join(','),
  ),
  peermap: textual('PeerMap', (t, n) => {
    const { nodes, memory } = t.peers[n]!;
    return `[${nodes.map((node, i) => `(${node},${memory[i]})`).join(',')}]`;
  }),
  spindle_count: numeric('NodeSpindles', (t, n) => String(t.totalSpindles[n])),
  hi_spindles: numeric('MaxSpindles', (t, n) => decimal(t.highSpindles[n]!)),
  inst_spindles: numeric('InstSpindles', (t, n) => decimal(t.instanceSpindles[n]!)),
};

const unknown: Field = textual('<unknown field>', () => '<unknown field>');

const usualFields = (
  'status name tmem nmem imem xmem fmem umem rmem tdsk fdsk tcpu ucpu pcnt scnt pfmem pfdsk rcpu cload mload ' +
  'dload nload'
).split(' ');

export function nodeListing(nodes: NodeTable, list: readonly number[], fields: readonly string[]): string {
  const names =
    fields.length === 0 ? usualFields : fields[0] === '+' ? [...usualFields, ...fields.slice(1)] : fields;
  const columns = names.map((name) => (Object.hasOwn(nodeFields, name) ? nodeFields[name]! : unknown));
  return table(
    '',
    columns.map((column) => column.header),
    list.map((node) => columns.map((column) => column.show(nodes, node))),
    columns.map((column) => column.numeric),
  );
}

export function instanceListing(part: Part): string {
  const { nodes } = part;
  const rows = part.instances.map((instance) => [
    instance.isRunning ? 'R' : ' ',
    instance.name,
    nodes.name[instance.primary]!,
    instance.secondary < 0 ? '' : nodes.name[instance.secondary]!,
    instance.autoBalance ? 'Y' : 'N',
    whole(instance.cpus, 3),
    whole(instance.memory, 5),
    whole(Math.floor(instance.disk / 1024), 5),
    fixed(instance.load.cpu, 3).padStart(5),
    fixed(instance.load.memory, 3).padStart(5),
    fixed(instance.load.disk, 3).padStart(5),
    fixed(instance.load.network, 3).padStart(5),
  ]);
  const header = 'F Name Pri_node Sec_node Auto_bal vcpu mem dsk lCpu lMem lDsk lNet'.split(' ');
  return table('', header, rows, [...Array<boolean>(5).fill(false), ...Array<boolean>(7).fill(true)]);
}

/** The figures of the score, their values and weights. */
export function scoreTable(nodes: NodeTable, list: readonly number[]): string {
  const values = scoreComponents(nodes, list);
  const rows = values.map((value, k) => [
    components[k]!.name,
    fixed(value, 8),
    `x${fixed(components[k]!.weight, 2)}`,
  ]);
  return table('  ', ['Field', 'Value', 'Weight'], rows, [false, true, true]);
}

export function maybePrintNodes(
  context: ProgramContext,
  options: Options,
  message: string,
  nodes: NodeTable,
  list: readonly number[],
): void {
  if (options.nodeFields === undefined) return;
  context.err(`\n${message} status:\n${nodeListing(nodes, list, options.nodeFields)}\n`);
}

export function maybePrintInstances(
  context: ProgramContext,
  options: Options,
  message: string,
  part: Part,
): void {
  if (options.printInstances) context.err(`\n${message} instance map:\n${instanceListing(part)}`);
}

/** Says where a saved state went. */
export type Save = (context: ProgramContext, suffix: string, message: string) => void;

/** Takes a part of a cluster as it is now, to be saved for -S by the function returned. */
export function prepareSave(options: Options, cluster: Cluster, part: Part): Save {
  const { saveFile } = options;
  if (saveFile === undefined) return () => {};
  const { groups, tags, policy } = cluster;
  const { nodes, list, instances } = part;
  const text = writeText({ groups, nodes, list, instances, tags, policy });
  return (context, suffix, message) => {
    const path = withSuffix(saveFile, suffix);
    writeTextFile(path, text);
    context.err(`The cluster state ${message} has been written to file '${path}'\n`);
  };
}

/** Saves a part of a cluster for -S, and says so. */
export function maybeSave(
  context: ProgramContext,
  options: Options,
  suffix: string,
  message: string,
  cluster: Cluster,
  part: Part,
): void {
  prepareSave(options, cluster, part)(context, suffix, message);
}
