/** What Ganeti's remote API doesn't have: the published document and the stream of events, below /3. */
import { InstanceCreate } from '../../opcodes/instance.ts';
import { type Route, route } from '../route.ts';
import { jobFields } from './listed.ts';

/** The document takes half a megabyte and many modules, so it is made when somebody asks. */
export async function documentOf(routes: readonly Route[]): Promise<unknown> {
  const { openApiDocument } = await import('../openapi/document.ts');
  const { objectSchema } = await import('../openapi/objects.ts');
  const { memberSchema } = await import('../openapi/bodies.ts');
  return openApiDocument(routes, {
    job: objectSchema('job', jobFields),
    instance_creation: memberSchema(InstanceCreate, { os: 'os_type', name: 'instance_name' }),
  });
}

const eventSchema = {
  type: 'string',
  description:
    'Events of Server-Sent Events: hello (the first), job, message, object, lost (read everything again). Each has an' +
    ' id to come back with in Last-Event-ID, and one JSON object as data.',
};

/** @param all every route, these included */
export function additions(all: () => readonly Route[]): readonly Route[] {
  let document: Promise<unknown> | undefined;
  return [
    route('GET', '/3/openapi.json', null, {
      kind: 'action',
      contract: { doc: 'This document.', result: { type: 'object', required: ['openapi', 'paths'] } },
      run: () => (document ??= documentOf(all())),
    }),
    route(
      'GET',
      '/3/events',
      'query.all',
      {
        kind: 'stream',
        contract: { doc: 'What happens: jobs, their messages, and changes of objects.', result: eventSchema },
      },
      ['write', 'read'],
    ),
  ];
}
