/**
 * CPU load from the monitoring daemons, as dynamic utilisation: per node, shared out to its instances by their
 * virtual CPUs, or per instance where Xen tells it.
 */

import type { Cluster } from '../core/terms/cluster.ts';
import { quotedList } from '../core/terms/format.ts';
import { annotated, DataError } from './data-error.ts';
import {
  asNumber,
  asObject,
  asString,
  asValue,
  entriesOf,
  field,
  isObject,
  type Json,
  type JsonObject,
  listOf,
  memberOf,
  parseJson,
} from './json.ts';

export type Collector = 'cpu-avg-load' | 'xen-cpu-avg-load';

/** Where a node's monitoring daemon gives a collector's report. */
export function reportUrl(node: string, collector: Collector): string {
  return `http://${node}:1815/1/report/default/${collector}`;
}

/** The data of a report; undefined when the text is none. */
export function parseReport(text: string): Json | undefined {
  try {
    const report = parseJson(text);
    return isObject(report) ? memberOf(report, 'data') : undefined;
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

/** Reports of nodes collected in a file: node name to the data of each collector. */
export function parseReports(text: string): Map<string, Map<string, Json>> {
  const nodes = annotated("Parsing MonD's answer", () => listOf(asObject)(parseJson(text)));
  return new Map(
    nodes.map((entry) => {
      const node = field("Parsing node's name", entry, 'node', asString);
      const reports = field("Parsing node's reports", entry, 'reports', listOf(asObject));
      const data = reports.map((report: JsonObject): [string, Json] => [
        field("Parsing node's reports", report, 'name', asString),
        field("Parsing node's reports", report, 'data', asValue),
      ]);
      return [node, new Map(data.toReversed())];
    }),
  );
}

function nodeLoad(data: Json): number | undefined {
  if (!isObject(data)) return undefined;
  const total = memberOf(data, 'cpu_total');
  return typeof total === 'number' ? total : undefined;
}

function instanceLoads(data: Json): Map<string, number> | undefined {
  if (!isObject(data)) return undefined;
  const entries = entriesOf(data).map(([name, load]) => [name, load] as const);
  if (entries.some(([, load]) => typeof load !== 'number')) return undefined;
  return new Map(entries.map(([name, load]) => [name, asNumber(load)]));
}

/** Sets loads from each node's total. */
function useNodeLoads(cluster: Cluster, loads: ReadonlyMap<number, number>): void {
  const { nodes, instances } = cluster;
  for (const [node, load] of loads) nodes.cpuLoad[node] = load;
  for (const instance of instances) {
    const load = loads.get(instance.primary);
    if (load === undefined) continue;
    const cpu = (load / nodes.usedCpus[instance.primary]!) * instance.cpus;
    instance.load = { ...instance.load, cpu };
  }
}

/** Sets loads from each instance's; throws DataError when one is missing. */
function useInstanceLoads(cluster: Cluster, loads: ReadonlyMap<string, number>): void {
  const { nodes, instances } = cluster;
  const missing = instances
    .map(({ name }) => name)
    .filter((name) => !loads.has(name))
    .sort();
  if (missing.length > 0) {
    throw new DataError(`No CPU information available for ${quotedList(missing)}`);
  }
  for (const instance of instances) instance.load = { ...instance.load, cpu: loads.get(instance.name)! };
  for (const node of nodes.order) {
    nodes.cpuLoad[node] = nodes.primaries[node]!.reduce((sum, index) => sum + instances[index]!.load.cpu, 0);
  }
}

/**
 * Brings the reports into the cluster.
 *
 * @param reports data by node index; a node that gave none is missing
 * @returns the warnings; when there are any, nothing was changed
 */
export function useReports(
  cluster: Cluster,
  collector: Collector,
  reports: ReadonlyMap<number, Json>,
): string[] {
  const { nodes } = cluster;
  const ignored = [`Didn't receive an answer by all MonDs, ${collector}'s data will be ignored.`];
  try {
    if (collector === 'cpu-avg-load') {
      const loads = new Map<number, number>();
      for (const [node, data] of reports) {
        const load = nodeLoad(data);
        if (load !== undefined) loads.set(node, load);
      }
      if (nodes.order.some((node) => !loads.has(node))) return ignored;
      useNodeLoads(cluster, loads);
      return [];
    }
    const loads = new Map<string, number>();
    for (const node of nodes.order) {
      const data = reports.get(node);
      const perInstance = data === undefined ? undefined : instanceLoads(data);
      if (perInstance === undefined) return ignored;
      for (const [name, load] of perInstance) if (!loads.has(name)) loads.set(name, load);
    }
    useInstanceLoads(cluster, loads);
    return [];
  } catch (error) {
    if (error instanceof DataError) return [error.message];
    throw error;
  }
}
