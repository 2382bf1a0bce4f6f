/**
 * What a route is: method, path, the right it needs, and what answers it. Most answers are data: a list or an
 * object read from the master, or an opcode with the sources of the parameters that a request fixes.
 */
import type { OpcodeDefinition } from '../opcodes/opcode.ts';
import type { JsonSchema } from '../opcodes/types.ts';
import { badRequest } from './http-error.ts';
import type { Master } from './master.ts';
import type { Permission } from './permissions.ts';
import { type Body, bodyObject, flagArgument, type RapiRequest, textArgument } from './request.ts';

export const methods = ['GET', 'PUT', 'POST', 'DELETE'] as const;
export type Method = (typeof methods)[number];

/** Rights of which a user needs one; none: anybody, unless the daemon asks everybody who they are. */
export type Access = readonly ('read' | 'write')[];

/** An argument of the query, for whoever reads the published document. */
export interface Argument {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly required?: boolean;
}

/** What a route takes and gives, where its answer isn't data that says so. */
export interface Contract {
  readonly doc?: string;
  readonly query?: readonly Argument[];
  readonly body?: JsonSchema;
  /** Whether nothing happens without a body. */
  readonly bodyNeeded?: boolean;
  readonly result?: JsonSchema;
}

/** Where a parameter's value comes from. */
export interface Source {
  /** None: not the query. */
  readonly argument?: Argument;
  readonly read: (request: RapiRequest) => unknown;
}

export interface Listing {
  readonly kind: 'list';
  readonly luxi: string;
  readonly fields: readonly string[];
  /** The field that names an object, and how the list calls it. */
  readonly nameField: string;
  readonly nameKey: string;
  /** What an entry is: a resource of the query language, which knows its fields. */
  readonly resource: string;
  readonly contract?: Contract;
  /** LUXI's arguments for all objects. */
  readonly args: (fields: readonly string[], request: RapiRequest) => readonly unknown[];
  readonly adapt?: (row: Record<string, unknown>) => Record<string, unknown>;
}

export interface Item {
  readonly kind: 'item';
  readonly luxi: string;
  readonly fields: readonly string[];
  readonly resource: string;
  readonly contract?: Contract;
  readonly args: (fields: readonly string[], request: RapiRequest) => readonly unknown[];
  readonly adapt?: (row: Record<string, unknown>) => Record<string, unknown>;
}

export interface Submission {
  readonly kind: 'opcode';
  readonly opcode: OpcodeDefinition;
  /** The name of the handler in Ganeti, which stands in the reason trail. */
  readonly handler: string;
  readonly fixed: Readonly<Record<string, Source>>;
  readonly rename: Readonly<Record<string, string>>;
  /** The opcode's parameters from the body; without it the body isn't looked at. */
  readonly body?: (request: RapiRequest) => Body;
  readonly forbidden: readonly string[];
  readonly contract: Contract;
  /** What the body may have beyond the opcode's parameters, or instead of them. */
  readonly further: Readonly<Record<string, JsonSchema>>;
  /** What the body must have although the opcode doesn't need it. */
  readonly needed: readonly string[];
}

export interface Constant {
  readonly kind: 'constant';
  readonly value: unknown;
}

/** What the master is asked over LUXI. */
export interface Question {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A read that is one question to the master, answered as it is or in another shape. */
export interface Reading {
  readonly kind: 'read';
  readonly contract: Contract;
  readonly ask: (request: RapiRequest) => Question;
  /**
   * From nothing but what the master answered, so that the same answer has the same shape.
   * @throws HttpError
   */
  readonly shape?: (answer: unknown) => unknown;
}

/** Anything else: it may change things or wait. */
export interface Action {
  readonly kind: 'action';
  readonly contract: Contract;
  readonly run: (request: RapiRequest, master: Master) => Promise<unknown>;
}

/** Server-sent events until the client or the daemon ends. */
export interface Streaming {
  readonly kind: 'stream';
  readonly contract: Contract;
}

export type Answer = Listing | Item | Submission | Constant | Reading | Action | Streaming;

export interface Route {
  readonly method: Method;
  /** `/2/nodes/{node_name}/role`. */
  readonly path: string;
  /** For users whose line in the users file has the older form. */
  readonly access: Access;
  /** For users with permissions; null: anybody. */
  readonly permission: Permission | null;
  readonly answer: Answer;
}

const usualAccess: Readonly<Record<Method, Access>> = {
  GET: [],
  PUT: ['write'],
  POST: ['write'],
  DELETE: ['write'],
};

export function route(
  method: Method,
  path: string,
  permission: Permission | null,
  answer: Answer,
  access = usualAccess[method],
): Route {
  return { method, path, permission, access, answer };
}

/** The path's words without the version, variables called `name`: instances_name_disk_grow. */
function handlerName(path: string): string {
  const words = path.split('/').filter((word) => word !== '' && word !== '2' && word !== '{disk_index}');
  return words.map((word) => (word.startsWith('{') ? 'name' : word.replaceAll('-', '_'))).join('_');
}

const objectOf = ({ body }: RapiRequest): Body => bodyObject(body);

export interface SubmissionOptions {
  readonly fixed?: Submission['fixed'];
  readonly rename?: Submission['rename'];
  /** False when the body doesn't count. */
  readonly body?: Submission['body'] | false;
  readonly forbidden?: readonly string[];
  readonly access?: Access;
  readonly handler?: string;
  readonly contract?: Contract;
  readonly further?: Submission['further'];
  readonly needed?: Submission['needed'];
}

/** A route that submits one opcode and answers the job's number. */
export function submits(
  method: Method,
  path: string,
  permission: Permission,
  opcode: OpcodeDefinition,
  {
    fixed = {},
    rename = {},
    body,
    forbidden = [],
    access,
    handler,
    contract = {},
    further = {},
    needed = [],
  }: SubmissionOptions = {},
): Route {
  const reader = body === false ? {} : { body: body ?? objectOf };
  const answer: Submission = {
    kind: 'opcode',
    opcode,
    handler: handler ?? handlerName(path),
    fixed,
    rename,
    forbidden,
    contract,
    further,
    needed,
    ...reader,
  };
  return route(method, path, permission, answer, access);
}

/** Of an object's schema in the published document: what the list of a resource shows of each. */
export const objectReference = (resource: string): JsonSchema => ({
  $ref: `#/components/schemas/${resource}`,
});

export const jobNumber: JsonSchema = { type: 'integer', minimum: 0, description: 'Number of the job' };

// Sources

export const named = (variable: string): Source => ({ read: ({ names }) => names[variable] });
export const namedAlone = (variable: string): Source => ({ read: ({ names }) => [names[variable]] });
export const namedNumber = (variable: string): Source => ({ read: ({ names }) => Number(names[variable]) });
export const always = (value: unknown): Source => ({ read: () => value });
export const flagNamed = (name: string): Argument => ({
  name,
  schema: { type: 'integer', default: 0, description: '0: no, any other number: yes' },
});
export const textNamed = (name: string): Argument => ({ name, schema: { type: 'string' } });
export const flag = (argument: string): Source => ({
  argument: flagNamed(argument),
  read: ({ query }) => flagArgument(query, argument),
});
export const text = (argument: string, otherwise: string | null = null): Source => ({
  argument: {
    name: argument,
    schema: { type: 'string', ...(otherwise === null ? {} : { default: otherwise }) },
  },
  read: ({ query }) => textArgument(query, argument, otherwise),
});
export const neededText = (argument: string): Source => ({
  argument: { ...textNamed(argument), required: true },
  read({ query }) {
    const value = textArgument(query, argument, null);
    if (value === null) throw badRequest(`Missing the required '${argument}' parameter`);
    return value;
  },
});
export const everyValue = (argument: string): Source => ({
  argument: { name: argument, schema: { type: 'array', items: { type: 'string' } } },
  read: ({ query }) => [...(query.get(argument) ?? [])],
});
