/**
 * The remote API as one OpenAPI 3.1 document, read from the table of routes that requests are answered from, the
 * opcodes that they submit and the fields that they list. It is served as `/3/openapi.json` and stands in docs/.
 */

import { assertNever } from '../../kit/failure.ts';
import { releaseVersion } from '../../model/release.ts';
import type { JsonSchema } from '../../opcodes/types.ts';
import { type ErrorStatus, errorStatuses, reasonPhrase } from '../http-error.ts';
import {
  type Answer,
  type Argument,
  flagNamed,
  jobNumber,
  objectReference,
  type Route,
  type Submission,
  textNamed,
} from '../route.ts';
import { variablePattern } from '../routing.ts';
import { submissionBody } from './bodies.ts';
import { objectSchema } from './objects.ts';

export type OpenApiDocument = Readonly<Record<string, unknown>>;

const jsonContent = (schema: JsonSchema) => ({ 'application/json': { schema } });

/** A text of the query that becomes a parameter of the opcode must be what that parameter takes. */
function ofOpcode(argument: Argument, { opcode }: Submission, name: string): Argument {
  const parameter = opcode.params[name];
  const isText = argument.schema.type === 'string' && !('default' in argument.schema);
  if (parameter === undefined || !isText || argument.required === true) return argument;
  const required = parameter.required && !parameter.type.accepts(null);
  return { ...argument, schema: parameter.type.schema, required };
}

/** Query arguments of an answer, without those that stand in the path. */
function argumentsOf(answer: Answer): readonly Argument[] {
  switch (answer.kind) {
    case 'constant':
      return [];
    case 'list':
      return [flagNamed('bulk'), ...(answer.contract?.query ?? [])];
    case 'opcode': {
      const sources = Object.entries(answer.fixed).flatMap(([name, { argument }]) =>
        argument === undefined ? [] : [ofOpcode(argument, answer, name)],
      );
      return [...sources, ...(answer.contract.query ?? []), textNamed('reason')];
    }
    case 'item':
      return answer.contract?.query ?? [];
    case 'read':
    case 'action':
    case 'stream':
      return answer.contract.query ?? [];
    default:
      return assertNever(answer);
  }
}

function bodyOf(answer: Answer): { readonly schema: JsonSchema; readonly needed: boolean } | undefined {
  if (answer.kind === 'constant' || answer.kind === 'list' || answer.kind === 'item') return undefined;
  const needed = answer.contract.bodyNeeded === true;
  if (answer.kind === 'opcode') return { schema: submissionBody(answer), needed };
  return answer.contract.body === undefined ? undefined : { schema: answer.contract.body, needed };
}

/** Entries of a list that only names objects. */
const entriesOf = (nameKey: string): JsonSchema => ({
  type: 'object',
  properties: { [nameKey]: { type: ['string', 'integer'] }, uri: { type: 'string' } },
  required: [nameKey, 'uri'],
  additionalProperties: false,
});

function resultOf(answer: Answer): JsonSchema {
  switch (answer.kind) {
    case 'constant':
      return { const: answer.value };
    case 'list': {
      const bulk = objectReference(answer.resource === 'job' ? 'job_in_list' : answer.resource);
      return { type: 'array', items: { anyOf: [entriesOf(answer.nameKey), bulk] } };
    }
    case 'item':
      return objectReference(answer.resource);
    case 'opcode':
      return answer.contract.result ?? jobNumber;
    case 'read':
    case 'action':
    case 'stream':
      return answer.contract.result ?? {};
    default:
      return assertNever(answer);
  }
}

function docOf(answer: Answer): string {
  if (answer.kind === 'constant') return 'Always the same.';
  if (answer.contract?.doc !== undefined) return answer.contract.doc;
  if (answer.kind === 'opcode') return answer.opcode.doc;
  return answer.kind === 'list' ? 'All of them: names with addresses; in bulk, objects.' : 'One of them.';
}

/** `PUT /2/instances/{instance_name}/startup`: putInstancesNameStartup. */
function operationId({ method, path }: Route): string {
  const words = path
    .split(/[/-]/)
    .map((word) => word.replace(/^\{\w*?(\w)(\w*)\}$/, 'by_$1$2').replace(/\W/g, '_'));
  return [method.toLowerCase(), ...words.filter((word) => word !== '')].join('_');
}

function parametersOf({ path, answer }: Route): readonly unknown[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: variablePattern(name!).source },
  }));
  const byName = new Map(argumentsOf(answer).map((argument) => [argument.name, argument]));
  const inQuery = [...byName.values()].map(({ name, schema, required = false }) => ({
    name,
    in: 'query',
    required,
    schema,
  }));
  return [...inPath, ...inQuery];
}

function operationOf(route: Route): Readonly<Record<string, unknown>> {
  const { path, access, permission, answer } = route;
  const body = bodyOf(answer);
  const content =
    answer.kind === 'stream'
      ? { 'text/event-stream': { schema: resultOf(answer) } }
      : jsonContent(resultOf(answer));
  return {
    operationId: operationId(route),
    summary: docOf(answer),
    tags: [path.split('/')[2] ?? 'version'],
    security: access.length > 0 ? [{ basic: [] }] : [{}, { basic: [] }],
    ...(permission === null ? {} : { 'x-permission': permission }),
    ...(answer.kind === 'opcode' ? { 'x-opcode': answer.opcode.id } : {}),
    parameters: parametersOf(route),
    ...(body === undefined
      ? {}
      : { requestBody: { required: body.needed, content: jsonContent(body.schema) } }),
    responses: {
      200: { description: 'Done, or a job is on its way.', content },
      default: { $ref: '#/components/responses/error' },
    },
  };
}

/** Objects of lists under the resource's name; the list of jobs shows less than a job. */
function schemasOf(routes: readonly Route[]): Record<string, JsonSchema> {
  const schemas: Record<string, JsonSchema> = {};
  for (const { answer } of routes) {
    if (answer.kind !== 'list') continue;
    schemas[answer.resource === 'job' ? 'job_in_list' : answer.resource] = objectSchema(
      answer.resource,
      answer.fields,
    );
  }
  return schemas;
}

const statuses = Object.keys(errorStatuses).map(Number) as ErrorStatus[];

const errorSchema: JsonSchema = {
  type: 'object',
  properties: {
    code: { enum: statuses },
    message: { type: 'string', description: 'Safe to show in a page: <, >, &, quotes are entities' },
    explain: { type: 'string' },
  },
  required: ['code', 'message', 'explain'],
  additionalProperties: false,
};

/** @param further schemas that routes refer to beside those of their lists */
export function openApiDocument(
  routes: readonly Route[],
  further: Readonly<Record<string, JsonSchema>>,
): OpenApiDocument {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const { path, method } = route;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ganeti Remote API',
      version: releaseVersion,
      description:
        'Paths below /2 are Ganeti’s, those below /3 additions. Most changes answer the number of a job;' +
        ' /2/jobs/{job_id} and /3/events tell how it goes.',
      license: { name: 'BSD-2-Clause', identifier: 'BSD-2-Clause' },
    },
    servers: [{ url: 'https://{master}:5080', variables: { master: { default: 'localhost' } } }],
    paths,
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' } },
      responses: {
        error: {
          description: statuses.map((status) => `${status} ${reasonPhrase(status)}`).join(', '),
          content: jsonContent({ $ref: '#/components/schemas/error' }),
        },
      },
      schemas: { error: errorSchema, ...schemasOf(routes), ...further },
    },
  };
}
