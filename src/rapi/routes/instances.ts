/** Instances: lists, creation and everything that is done to one. */
import { BackupExport, BackupPrepare, BackupRemove } from '../../opcodes/backup.ts';
import * as instance from '../../opcodes/instance.ts';
import { fillOpcode } from '../fill.ts';
import { badRequest, HttpError } from '../http-error.ts';
import type { Master } from '../master.ts';
import {
  type Body,
  bodyObject,
  bodyParameter,
  checkType,
  flagArgument,
  type RapiRequest,
  textArgument,
} from '../request.ts';
import {
  always,
  type Contract,
  flag,
  flagNamed,
  jobNumber,
  named,
  namedAlone,
  namedNumber,
  type Route,
  route,
  submits,
  text,
  textNamed,
} from '../route.ts';
import { instanceFields, item, listing } from './listed.ts';
import { tagRoutes } from './tags.ts';

const base = '/2/instances/{instance_name}';
const instance_name = named('instance_name');
const dry_run = flag('dry-run');
const creationNames = { os: 'os_type', name: 'instance_name' };

/** Clients of long ago know memory under this name only. */
function withMemory(row: Record<string, unknown>): Record<string, unknown> {
  const beparams = row.beparams as Record<string, unknown>;
  return { ...row, beparams: { ...beparams, memory: beparams.maxmem } };
}

/** USB devices may be separated by blanks as well as by commas. */
function withUsbDevices(body: Body): Body {
  const params = body.hvparams as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof params !== 'object' || params === null || typeof params.usb_devices !== 'string') return body;
  return { ...body, hvparams: { ...params, usb_devices: params.usb_devices.replaceAll(' ', ',') } };
}

function creation({ body }: RapiRequest): Body {
  checkType(body, 'dict', 'Body contents');
  const { __version__: version = 0, ...params } = body as Body;
  if (version === 0) throw badRequest('Instance creation request version 0 is no longer supported');
  if (version !== 1) throw badRequest(`Unsupported request data version ${JSON.stringify(version)}`);
  return withUsbDevices(params);
}

/** Each instance of the list is an opcode of its own. */
function allocation({ body }: RapiRequest): Body {
  const request = bodyObject(body);
  if (!Object.hasOwn(request, 'instances')) {
    throw badRequest("Request is missing required 'instances' field in body");
  }
  checkType(request.instances, 'list', "'instances' parameter");
  const instances = (request.instances as unknown[]).map((one) =>
    fillOpcode(instance.InstanceCreate, bodyObject(one), { rename: creationNames }),
  );
  return { ...request, instances };
}

/** Disks are a list of numbers, or those numbers in a text. */
function replacement({ body, query }: RapiRequest): Body {
  const given = bodyObject(body);
  const fromQuery = ['remote_node', 'mode', 'disks', 'iallocator'].map((name) => [
    name,
    textArgument(query, name, null),
  ]);
  const wanted: Body =
    Object.keys(given).length > 0 ? given : query.size > 0 ? (Object.fromEntries(fromQuery) as Body) : {};
  const { disks, ...others } = wanted;
  if (disks === undefined || disks === null || disks === '') return others;
  if (Array.isArray(disks)) return disks.length === 0 ? others : { ...others, disks: disks as unknown[] };
  const parts = typeof disks === 'string' ? disks.split(',') : [];
  if (parts.length === 0 || !parts.every((part) => /^\s*\d{1,9}\s*$/.test(part))) {
    throw badRequest(`Invalid disk index passed: ${JSON.stringify(disks)}`);
  }
  return { ...others, disks: parts.map(Number) };
}

/** Shut down, install again, start: one job of up to three opcodes. */
async function reinstall({ names, query, body }: RapiRequest, master: Master): Promise<unknown> {
  const sent = body !== null && !(typeof body === 'object' && Object.keys(body).length === 0);
  if (sent && query.size > 0) throw badRequest("Can't combine query and body parameters");
  if (sent && (typeof body !== 'object' || Array.isArray(body))) {
    throw badRequest('Invalid body contents, not a dictionary');
  }
  const fromQuery = { os: textArgument(query, 'os', null), start: !flagArgument(query, 'nostartup') };
  const wanted: Body = sent ? (body as Body) : query.size > 0 ? fromQuery : {};
  const fixed = { instance_name: names.instance_name };
  const installed = {
    ...fixed,
    os_type: bodyParameter(wanted, 'os', null),
    osparams: bodyParameter(wanted, 'osparams', null),
  };
  const starts = bodyParameter(wanted, 'start', true, 'bool') === true;
  return await master.submit([
    fillOpcode(instance.InstanceShutdown, {}, { fixed }),
    fillOpcode(instance.InstanceReinstall, {}, { fixed: installed }),
    ...(starts ? [fillOpcode(instance.InstanceStartup, {}, { fixed: { ...fixed, force: false } })] : []),
  ]);
}

function consoleOf(rows: unknown): unknown {
  const [row] = rows as unknown[][];
  if (row === undefined) throw new HttpError(404);
  if (row[1] !== true) throw new HttpError(503, 'Instance console unavailable');
  return row[0];
}

const reinstallContract: Contract = {
  doc: 'Shuts an instance down, installs an operating system, and starts it again: one job.',
  query: [textNamed('os'), flagNamed('nostartup')],
  body: {
    type: 'object',
    properties: {
      os: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      osparams: { anyOf: [{ type: 'object' }, { type: 'null' }] },
      start: { type: 'boolean', default: true },
    },
  },
  result: jobNumber,
};
const consoleContract: Contract = {
  doc: 'How to reach the console of a running instance.',
  result: {
    type: 'object',
    properties: { instance: { type: 'string' }, kind: { type: 'string' } },
    required: ['instance', 'kind'],
  },
};

const disks: readonly Route[] = [
  submits('PUT', `${base}/activate-disks`, 'instances.activate_disks', instance.InstanceActivateDisks, {
    body: false,
    fixed: { instance_name, ignore_size: flag('ignore_size') },
  }),
  submits('PUT', `${base}/deactivate-disks`, 'instances.deactivate_disks', instance.InstanceDeactivateDisks, {
    body: false,
    fixed: { instance_name, force: flag('force') },
  }),
  submits('POST', `${base}/disk/{disk_index}/grow`, 'instances.grow_disk', instance.InstanceGrowDisk, {
    fixed: { instance_name, disk: namedNumber('disk_index') },
  }),
  submits('POST', `${base}/recreate-disks`, 'instances.recreate_disks', instance.InstanceRecreateDisks, {
    fixed: { instance_name },
  }),
  submits('POST', `${base}/replace-disks`, 'instances.replace_disks', instance.InstanceReplaceDisks, {
    body: replacement,
    contract: { query: ['remote_node', 'mode', 'disks', 'iallocator'].map(textNamed) },
    further: {
      disks: {
        anyOf: [
          { type: 'array', items: { type: 'integer', minimum: 0 } },
          { type: 'string' },
          { type: 'null' },
        ],
        description: 'Indices, or those separated by commas',
      },
    },
    fixed: { instance_name },
  }),
];

const exports: readonly Route[] = [
  submits('PUT', `${base}/prepare-export`, 'instances.export.prepare', BackupPrepare, {
    body: false,
    fixed: { instance_name, mode: text('mode') },
  }),
  submits('PUT', `${base}/export`, 'instances.export.create', BackupExport, {
    fixed: { instance_name },
    rename: { destination: 'target_node' },
  }),
  submits('DELETE', `${base}/export`, 'instances.export.remove', BackupRemove, { fixed: { instance_name } }),
];

const running: readonly Route[] = [
  submits('PUT', `${base}/startup`, 'instances.startup', instance.InstanceStartup, {
    body: false,
    fixed: { instance_name, force: flag('force'), dry_run, no_remember: flag('no_remember') },
  }),
  submits('PUT', `${base}/shutdown`, 'instances.shutdown', instance.InstanceShutdown, {
    fixed: { instance_name, no_remember: flag('no_remember'), dry_run },
  }),
  submits('POST', `${base}/reboot`, 'instances.reboot', instance.InstanceReboot, {
    fixed: {
      instance_name,
      reboot_type: text('type', 'hard'),
      ignore_secondaries: flag('ignore_secondaries'),
      dry_run,
    },
  }),
  submits('PUT', `${base}/migrate`, 'instances.migrate', instance.InstanceMigrate, {
    fixed: { instance_name },
  }),
  submits('PUT', `${base}/failover`, 'instances.failover', instance.InstanceFailover, {
    fixed: { instance_name },
  }),
  route(
    'GET',
    `${base}/console`,
    'instances.query.console',
    {
      kind: 'read',
      contract: consoleContract,
      ask: ({ names }) => ({
        method: 'QueryInstances',
        args: [[names.instance_name], ['console', 'oper_state'], false],
      }),
      shape: consoleOf,
    },
    ['write', 'read'],
  ),
];

export const instanceRoutes: readonly Route[] = [
  route(
    'GET',
    '/2/instances',
    'instances.list',
    listing('instance', 'QueryInstances', instanceFields, 'id', { adapt: withMemory, lockable: true }),
  ),
  submits('POST', '/2/instances', 'instances.create', instance.InstanceCreate, {
    body: creation,
    contract: { bodyNeeded: true },
    further: { __version__: { const: 1 } },
    needed: ['__version__'],
    fixed: { dry_run },
    rename: creationNames,
  }),
  submits('POST', '/2/instances-multi-alloc', 'instances.multi_alloc', instance.InstanceMultiAlloc, {
    body: allocation,
    contract: { bodyNeeded: true },
    further: { instances: { type: 'array', items: { $ref: '#/components/schemas/instance_creation' } } },
    needed: ['instances'],
    fixed: { dry_run },
  }),
  route(
    'GET',
    base,
    'instances.query',
    item('instance', 'QueryInstances', instanceFields, 'instance_name', withMemory),
  ),
  submits('DELETE', base, 'instances.remove', instance.InstanceRemove, {
    fixed: { instance_name, ignore_failures: always(false), dry_run },
  }),
  submits('GET', `${base}/info`, 'instances.info', instance.InstanceQueryData, {
    body: false,
    fixed: { instances: namedAlone('instance_name'), static: flag('static') },
  }),
  submits('PUT', `${base}/modify`, 'instances.modify', instance.InstanceSetParams, {
    body: ({ body }) => withUsbDevices(bodyObject(body)),
    fixed: { instance_name },
    rename: { custom_beparams: 'beparams', custom_hvparams: 'hvparams' },
  }),
  submits('PUT', `${base}/rename`, 'instances.rename', instance.InstanceRename, { fixed: { instance_name } }),
  route('POST', `${base}/reinstall`, 'instances.reinstall', {
    kind: 'action',
    contract: reinstallContract,
    run: reinstall,
  }),
  ...running,
  ...disks,
  ...exports,
  ...tagRoutes(`${base}/tags`, 'instance', 'instance_name'),
];
