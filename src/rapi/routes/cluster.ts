/** The cluster: version, information, features, operating systems, settings. */
import { Failure } from '../../kit/failure.ts';
import * as cluster from '../../opcodes/cluster.ts';
import { OsDiagnose } from '../../opcodes/os.ts';
import { HttpError } from '../http-error.ts';
import type { Master } from '../master.ts';
import { flagArgument, type RapiRequest } from '../request.ts';
import { type Contract, flagNamed, type Route, route, submits } from '../route.ts';
import { tagRoutes } from './tags.ts';

/** What clients ask for before they use the newer forms of requests. */
export const features = [
  'instance-create-reqv1',
  'instance-reinstall-reqv1',
  'node-evac-res1',
  'node-migrate-reqv1',
] as const;

const systemFields = [
  'name',
  'valid',
  'variants',
  'parameters',
  'api_versions',
  'blacklisted',
  'hidden',
  'trusted',
] as const;

/** Seconds that one question for a job's progress takes at most. */
const patience = 10;
const finalStates = ['success', 'error', 'canceled'];

/** The result of a job's only opcode. */
async function jobResult(job: unknown, master: Master, gone: AbortSignal | undefined): Promise<unknown> {
  let seen: unknown = null;
  for (;;) {
    const change = await master.call('WaitForJobChange', [job, ['status'], seen, null, patience]);
    if (Array.isArray(change)) {
      seen = change[0];
      if (finalStates.includes((change[0] as string[])[0]!)) break;
    } else if (change !== 'nochange') throw new HttpError(502, `Job ${String(job)} can't be followed`);
    if (gone?.aborted) {
      await master.call('CancelJob', [job]);
      throw new HttpError(408);
    }
  }
  const [row] = (await master.call('QueryJobs', [[job], ['status', 'opresult']])) as [string, unknown[]][];
  const [status, results] = row ?? ['error', []];
  if (status !== 'success') throw new Failure('OpExecError', [`Job ${String(job)} has ended as ${status}`]);
  return results[0];
}

type SystemRow = readonly unknown[];

function systemNames([name, variants]: SystemRow): string[] {
  const list = variants as string[];
  return list.length === 0 ? [name as string] : list.map((variant) => `${name as string}+${variant}`);
}

function systemObject(row: SystemRow): Record<string, unknown> {
  const system: Record<string, unknown> = Object.fromEntries(
    systemFields.map((field, index) => [field, row[index]]),
  );
  system.parameters = (system.parameters as string[][]).map(([name, description]) => ({ name, description }));
  return system;
}

async function operatingSystems({ query, gone }: RapiRequest, master: Master): Promise<unknown> {
  const bulk = flagArgument(query, 'bulk');
  const fields = bulk ? [...systemFields] : ['name', 'variants'];
  const job = await master.submit([{ OP_ID: OsDiagnose.id, output_fields: fields, names: [] }]);
  const rows = await jobResult(job, master, gone);
  if (!Array.isArray(rows)) throw new HttpError(502, "Can't get OS list");
  return bulk ? (rows as SystemRow[]).map(systemObject) : (rows as SystemRow[]).flatMap(systemNames);
}

/** Fields under the names that the options to change them have. */
function withAliases(info: Record<string, unknown>): Record<string, unknown> {
  const aliases = { vg_name: info.volume_group_name, drbd_helper: info.drbd_usermode_helper };
  const given = Object.entries(aliases).filter(([, value]) => value !== undefined);
  return { ...info, ...Object.fromEntries(given) };
}

const textSchema = { type: 'string' };
const informationSchema = {
  type: 'object',
  properties: {
    name: textSchema,
    master: textSchema,
    uuid: textSchema,
    software_version: textSchema,
    config_version: { type: 'integer' },
    enabled_hypervisors: { type: 'array', items: textSchema },
    enabled_disk_templates: { type: 'array', items: textSchema },
    hvparams: { type: 'object' },
    beparams: { type: 'object' },
    tags: { type: 'array', items: textSchema },
  },
  required: ['name', 'master', 'uuid', 'software_version', 'config_version', 'hvparams', 'beparams', 'tags'],
};
const systemsContract: Contract = {
  doc: 'Operating systems: names with their variants; in bulk, objects.',
  query: [flagNamed('bulk')],
  result: { type: 'array', items: { anyOf: [textSchema, { type: 'object', required: [...systemFields] }] } },
};

export const clusterRoutes: readonly Route[] = [
  route('GET', '/', null, { kind: 'constant', value: null }),
  route('GET', '/2', null, { kind: 'constant', value: null }),
  route('GET', '/version', null, { kind: 'constant', value: 2 }),
  route('GET', '/2/features', null, { kind: 'constant', value: features }),
  route('GET', '/2/info', 'cluster.info', {
    kind: 'read',
    contract: { doc: 'What the cluster is and how it is set.', result: informationSchema },
    ask: () => ({ method: 'QueryClusterInfo', args: [] }),
    shape: (answer) => withAliases(answer as Record<string, unknown>),
  }),
  route('GET', '/2/os', 'os.list', { kind: 'action', contract: systemsContract, run: operatingSystems }),
  submits('PUT', '/2/redistribute-config', 'cluster.redistribute_config', cluster.ClusterRedistConf, {
    handler: 'redist_config',
  }),
  submits('PUT', '/2/modify', 'cluster.modify', cluster.ClusterSetParams, {
    handler: 'cluster_modify',
    forbidden: ['compression_tools'],
  }),
  ...tagRoutes('/2/tags', 'cluster'),
];
