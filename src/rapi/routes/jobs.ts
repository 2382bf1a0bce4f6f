/** Jobs, and the rules that filter them. */
import { Failure } from '../../kit/failure.ts';
import { badRequest, HttpError } from '../http-error.ts';
import type { Master } from '../master.ts';
import { type Body, bodyObject, bodyParameter, type RapiRequest } from '../request.ts';
import { type Contract, objectReference, type Route, route } from '../route.ts';
import { filterFields, jobFields, jobListFields } from './listed.ts';

/** Seconds that a client waits for a job to change before it is told that nothing has. */
const waitSeconds = 10;

async function waitForChange({ names, body }: RapiRequest, master: Master): Promise<unknown> {
  const params = bodyObject(body);
  if (!Object.hasOwn(params, 'fields')) throw badRequest("Required parameter 'fields' is missing");
  const info = bodyParameter(params, 'previous_job_info', null);
  const serial = bodyParameter(params, 'previous_log_serial', null);
  if (!Array.isArray(params.fields)) throw badRequest("The 'fields' parameter should be a list");
  if (info !== null && !Array.isArray(info)) {
    throw badRequest("The 'previous_job_info' parameter should be a list");
  }
  if (serial !== null && !Number.isInteger(serial)) {
    throw badRequest("The 'previous_log_serial' parameter should be a number");
  }
  let change: unknown;
  try {
    const args = [Number(names.job_id), params.fields, info, serial, waitSeconds];
    change = await master.call('WaitForJobChange', args);
  } catch (error) {
    if (error instanceof Failure && error.errorClass === 'JobLost') throw new HttpError(404);
    throw error;
  }
  if (change === 'nochange') return null;
  if (!Array.isArray(change)) throw new HttpError(404);
  return { job_info: change[0] as unknown, log_entries: change[1] as unknown };
}

const nullSchema = { type: 'null' };
const waitContract: Contract = {
  doc: 'Waits until a job changes, ten seconds at most; null when it has not.',
  body: {
    type: 'object',
    properties: {
      fields: { type: 'array', items: { type: 'string' } },
      previous_job_info: { anyOf: [{ type: 'array' }, nullSchema] },
      previous_log_serial: { anyOf: [{ type: 'integer' }, nullSchema] },
    },
    required: ['fields'],
  },
  bodyNeeded: true,
  result: {
    anyOf: [
      {
        type: 'object',
        properties: { job_info: {}, log_entries: {} },
        required: ['job_info', 'log_entries'],
      },
      nullSchema,
    ],
  },
};

const jobRoutes: readonly Route[] = [
  route('GET', '/2/jobs', 'jobs.list', {
    kind: 'list',
    resource: 'job',
    luxi: 'QueryJobs',
    fields: jobListFields,
    nameField: 'id',
    nameKey: 'id',
    args: (fields) => [null, fields],
  }),
  route('GET', '/2/jobs/{job_id}', 'jobs.query', {
    kind: 'read',
    contract: { doc: 'One job with its messages and results.', result: objectReference('job') },
    ask: ({ names }) => ({ method: 'QueryJobs', args: [[Number(names.job_id)], jobFields] }),
    shape(rows) {
      const [row] = rows as (readonly unknown[] | null)[];
      if (row === null || row === undefined) throw new HttpError(404);
      return Object.fromEntries(jobFields.map((field, index) => [field, row[index]]));
    },
  }),
  route('DELETE', '/2/jobs/{job_id}', 'jobs.cancel', {
    kind: 'action',
    contract: {
      doc: 'Cancels a job: whether that worked, and a sentence.',
      result: {
        type: 'array',
        prefixItems: [{ type: 'boolean' }, { type: 'string' }],
        minItems: 2,
        maxItems: 2,
      },
    },
    run: ({ names }, master) => master.call('CancelJob', [Number(names.job_id)]),
  }),
  // It holds a connection for a while and may show secrets, so reading isn't for everybody.
  route(
    'GET',
    '/2/jobs/{job_id}/wait',
    'jobs.wait',
    { kind: 'action', contract: waitContract, run: waitForChange },
    ['write'],
  ),
];

const rulePath = '/2/filters/{filter_uuid}';
const ruleParameters = ['priority', 'predicates', 'action', 'reason'];

/** LUXI's arguments after the rule's UUID. */
function ruleOf(body: unknown): unknown[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('Invalid body contents, not a dictionary');
  }
  const rule = body as Body;
  const strange = Object.keys(rule).find((name) => !ruleParameters.includes(name));
  if (strange !== undefined) {
    throw badRequest(`Invalid body parameters: filter rule doesn't support the parameter '${strange}'`);
  }
  return [
    bodyParameter(rule, 'priority', 0, 'int'),
    bodyParameter(rule, 'predicates', [], 'list'),
    bodyParameter(rule, 'action', 'CONTINUE'),
    bodyParameter(rule, 'reason', [], 'list'),
  ];
}

const ruleContract: Contract = {
  body: {
    type: 'object',
    properties: {
      priority: { type: 'integer', default: 0 },
      predicates: { type: 'array', items: { type: 'array' }, default: [] },
      action: { anyOf: [{ type: 'string' }, { type: 'array' }], default: 'CONTINUE' },
      reason: { type: 'array', items: { type: 'array' }, default: [] },
    },
    additionalProperties: false,
  },
  bodyNeeded: true,
  result: { type: 'string', description: 'UUID of the rule' },
};

const filterRoutes: readonly Route[] = [
  route('GET', '/2/filters', 'filter.list', {
    kind: 'list',
    resource: 'filter',
    luxi: 'QueryFilters',
    fields: filterFields,
    nameField: 'uuid',
    nameKey: 'uuid',
    args: (fields) => [null, fields],
  }),
  route('POST', '/2/filters', 'filter.create', {
    kind: 'action',
    contract: { doc: 'Adds a filter rule.', ...ruleContract },
    run: ({ body }, master) => master.call('ReplaceFilter', [null, ...ruleOf(body)]),
  }),
  route('GET', rulePath, 'filter.query', {
    kind: 'item',
    resource: 'filter',
    luxi: 'QueryFilters',
    fields: filterFields,
    args: (fields, { names }) => [[names.filter_uuid], fields],
  }),
  route('PUT', rulePath, 'filter.modify', {
    kind: 'action',
    contract: { doc: 'Replaces a filter rule.', ...ruleContract },
    run: ({ names, body }, master) => master.call('ReplaceFilter', [names.filter_uuid, ...ruleOf(body)]),
  }),
  route('DELETE', rulePath, 'filter.remove', {
    kind: 'action',
    contract: { doc: 'Removes a filter rule.', result: nullSchema },
    run: ({ names }, master) => master.call('DeleteFilter', [names.filter_uuid]),
  }),
];

export const queueRoutes: readonly Route[] = [...jobRoutes, ...filterRoutes];
