/** The data sources that need more than a file: RAPI (or a directory of its answers), LUXI, monitoring. */
import { Failure } from '../../kit/failure.ts';
import type { RawCluster } from '../core/loading.ts';
import type { Cluster } from '../core/terms/cluster.ts';
import { DataError } from '../load/data-error.ts';
import type { Json } from '../load/json.ts';
import { parseLuxi, queryCluster } from '../load/luxi.ts';
import { type Collector, parseReport, parseReports, reportUrl, useReports } from '../load/monitoring.ts';
import { parseRapi } from '../load/rapi.ts';
import { fetchText } from './fetch.ts';
import { readText } from './files.ts';
import type { Options } from './options.ts';
import { failure, type ProgramContext } from './program.ts';

const rapiPort = 5080;
const filePrefix = 'file://';

/** Reads a cluster over RAPI; `address` may be file://DIRECTORY with saved answers. */
export async function loadRapi(address: string): Promise<RawCluster> {
  if (address.startsWith(filePrefix)) {
    const directory = address.slice(filePrefix.length);
    const read = (name: string) => readText(`${directory}/${name}.json`);
    return parseRapi({
      groups: read('groups'),
      nodes: read('nodes'),
      instances: read('instances'),
      info: read('info'),
    });
  }
  const url = address.includes(':') ? address : `https://${address}:${rapiPort}`;
  return parseRapi({
    groups: await fetchText(`${url}/2/groups?bulk=1`),
    nodes: await fetchText(`${url}/2/nodes?bulk=1`),
    instances: await fetchText(`${url}/2/instances?bulk=1`),
    info: await fetchText(`${url}/2/info`),
  });
}

/** What a user reads of a failed LUXI call. */
export function luxiComplaint(error: Failure, socketPath: string): string {
  if (error.errorClass === 'NoMasterError') {
    return `${socketPath}: connect: does not exist (No such file or directory)`;
  }
  if (error.errorClass === 'PermissionError') {
    return `${socketPath}: connect: permission denied (Permission denied)`;
  }
  return error.message;
}

export async function loadLuxi(socketPath: string, context: ProgramContext): Promise<RawCluster> {
  try {
    const client = await context.connect(socketPath);
    try {
      return parseLuxi(await queryCluster(client));
    } finally {
      client.close();
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new DataError(luxiComplaint(error, socketPath), { cause: error });
  }
}

async function askMonitoring(cluster: Cluster, collector: Collector, context: ProgramContext) {
  const { nodes } = cluster;
  const reports = new Map<number, Json>();
  for (const node of nodes.order) {
    try {
      const data = parseReport(await fetchText(reportUrl(nodes.name[node]!, collector)));
      if (data !== undefined) reports.set(node, data);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      context.err(`Failed to contact node's ${nodes.name[node]} MonD for DC ${collector}\n`);
    }
  }
  return reports;
}

function reportsOfFile(cluster: Cluster, collector: Collector, path: string): Map<number, Json> {
  let all: ReturnType<typeof parseReports>;
  try {
    all = parseReports(readText(path));
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw failure(`can't parse MonD data: ${error.message}`);
  }
  const reports = new Map<number, Json>();
  for (const node of cluster.nodes.order) {
    const data = all.get(cluster.nodes.name[node]!)?.get(collector);
    if (data !== undefined) reports.set(node, data);
  }
  return reports;
}

/** Brings the monitoring daemons' figures into the cluster when the options ask for it. */
export async function applyMonitoring(
  cluster: Cluster,
  options: Options,
  context: ProgramContext,
): Promise<void> {
  if (!options.queryMonitoring || options.ignoreDynamicUse) return;
  const collector: Collector = options.monitoringXen ? 'xen-cpu-avg-load' : 'cpu-avg-load';
  const reports =
    options.monitoringFile === undefined
      ? await askMonitoring(cluster, collector, context)
      : reportsOfFile(cluster, collector, options.monitoringFile);
  const warnings = useReports(cluster, collector, reports);
  for (const warning of warnings) context.err(`${warning}\n`);
  if (warnings.length > 0 && options.monitoringExitMissing) {
    throw failure('Not all required data available');
  }
}
