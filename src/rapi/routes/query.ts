/** Any resource, with the fields and the filter that the client wishes. */
import { badRequest } from '../http-error.ts';
import { type Body, checkType, type Query, textArgument } from '../request.ts';
import { type Access, type Route, route } from '../route.ts';

/** Results may be sensitive. */
const access: Access = ['write', 'read'];

const split = (fields: string) => fields.split(',').map((field) => field.trim());

function fieldsOf(query: Query): readonly string[] {
  const fields = textArgument(query, 'fields', null);
  if (fields === null) throw badRequest("Missing 'fields' query argument");
  return split(fields);
}

export const queryRoutes: readonly Route[] = [
  route(
    'GET',
    '/2/query/{resource}',
    'query.all',
    {
      kind: 'read',
      run: ({ names, query }, master) => master.call('Query', [names.resource, fieldsOf(query), null]),
    },
    access,
  ),
  route(
    'PUT',
    '/2/query/{resource}',
    'query.all',
    {
      kind: 'action',
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
    run({ names, query }, master) {
      const fields = textArgument(query, 'fields', null);
      return master.call('QueryFields', [names.resource, fields === null ? null : split(fields)]);
    },
  }),
];
