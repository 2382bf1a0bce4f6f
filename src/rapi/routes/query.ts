/** Any resource, with the fields and the filter that the client wishes. */
import { badRequest } from '../http-error.ts';
import { type Body, checkType, type Query, textArgument } from '../request.ts';
import { type Access, type Argument, type Route, route, textNamed } from '../route.ts';

/** Results may be sensitive. */
const access: Access = ['write', 'read'];

const split = (fields: string) => fields.split(',').map((field) => field.trim());

function fieldsOf(query: Query): readonly string[] {
  const fields = textArgument(query, 'fields', null);
  if (fields === null) throw badRequest("Missing 'fields' query argument");
  return split(fields);
}

const comma: Argument = { ...textNamed('fields'), required: true };
const fieldsSchema = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      name: { type: 'string' },
      title: { type: 'string' },
      kind: { type: 'string' },
      doc: { type: 'string' },
    },
    required: ['name', 'title', 'kind', 'doc'],
  },
};
/** Rows of cells, each a status and a value. */
const resultSchema = {
  type: 'object',
  properties: {
    fields: fieldsSchema,
    data: {
      type: 'array',
      items: {
        type: 'array',
        items: { type: 'array', prefixItems: [{ type: 'integer' }, {}], minItems: 2, maxItems: 2 },
      },
    },
  },
  required: ['fields', 'data'],
};
const filterSchema = {
  anyOf: [{ type: 'array' }, { type: 'null' }],
  description: 'In the query language: ["=", "name", "web1"]',
};

export const queryRoutes: readonly Route[] = [
  route(
    'GET',
    '/2/query/{resource}',
    'query.all',
    {
      kind: 'read',
      contract: {
        doc: 'Any resource, with the fields that one wishes.',
        query: [comma],
        result: resultSchema,
      },
      ask: ({ names, query }) => ({ method: 'Query', args: [names.resource, fieldsOf(query), null] }),
    },
    access,
  ),
  route(
    'PUT',
    '/2/query/{resource}',
    'query.all',
    {
      kind: 'action',
      contract: {
        doc: 'The same with a filter.',
        query: [textNamed('fields')],
        body: {
          type: 'object',
          properties: {
            fields: { type: 'array', items: { type: 'string' } },
            qfilter: filterSchema,
            filter: { ...filterSchema, deprecated: true },
          },
        },
        bodyNeeded: true,
        result: resultSchema,
      },
      run({ names, query, body }, master) {
        checkType(body, 'dict', 'Body contents');
        const params = body as Body;
        const fields = Object.hasOwn(params, 'fields') ? params.fields : fieldsOf(query);
        // The filter's older name still counts.
        const filter = params.qfilter ?? params.filter ?? null;
        return master.call('Query', [names.resource, fields, filter]);
      },
    },
    access,
  ),
  route('GET', '/2/query/{resource}/fields', 'query.all', {
    kind: 'read',
    contract: {
      doc: 'What fields a resource has.',
      query: [textNamed('fields')],
      result: { type: 'object', properties: { fields: fieldsSchema }, required: ['fields'] },
    },
    ask({ names, query }) {
      const fields = textArgument(query, 'fields', null);
      return { method: 'QueryFields', args: [names.resource, fields === null ? null : split(fields)] };
    },
  }),
];
