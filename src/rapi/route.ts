/**
 * What a route is: method, path, the right it needs, and what answers it. Most answers are data: a list or an
 * object read from the master, or an opcode with the sources of the parameters that a request fixes.
 */
import type { OpcodeDefinition } from '../opcodes/opcode.ts';
import { badRequest } from './http-error.ts';
import type { Master } from './master.ts';
import type { Permission } from './permissions.ts';
import { type Body, bodyObject, flagArgument, type RapiRequest, textArgument } from './request.ts';

export const methods = ['GET', 'PUT', 'POST', 'DELETE'] as const;
export type Method = (typeof methods)[number];

/** Rights of which a user needs one; none: anybody, unless the daemon asks everybody who they are. */
export type Access = readonly ('read' | 'write')[];

/** Where a parameter's value comes from. */
export interface Source {
  /** Of the query, by name. */
  readonly argument?: string;
  readonly read: (request: RapiRequest) => unknown;
}

export interface Listing {
  readonly kind: 'list';
  readonly luxi: string;
  readonly fields: readonly string[];
  /** The field that names an object, and how the list calls it. */
  readonly nameField: string;
  readonly nameKey: string;
  /** LUXI's arguments for all objects. */
  readonly args: (fields: readonly string[], request: RapiRequest) => readonly unknown[];
  readonly adapt?: (row: Record<string, unknown>) => Record<string, unknown>;
}

export interface Item {
  readonly kind: 'item';
  readonly luxi: string;
  readonly fields: readonly string[];
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
}

export interface Constant {
  readonly kind: 'constant';
  readonly value: unknown;
}

/** A read that is one call of the master, answered as it is or in another shape. */
export interface Reading {
  readonly kind: 'read';
  readonly run: (request: RapiRequest, master: Master) => Promise<unknown>;
}

/** Anything else: it may change things or wait. */
export interface Action {
  readonly kind: 'action';
  readonly run: (request: RapiRequest, master: Master) => Promise<unknown>;
}

export type Answer = Listing | Item | Submission | Constant | Reading | Action;

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
}

/** A route that submits one opcode and answers the job's number. */
export function submits(
  method: Method,
  path: string,
  permission: Permission,
  opcode: OpcodeDefinition,
  { fixed = {}, rename = {}, body, forbidden = [], access, handler }: SubmissionOptions = {},
): Route {
  const reader = body === false ? {} : { body: body ?? objectOf };
  const answer: Submission = {
    kind: 'opcode',
    opcode,
    handler: handler ?? handlerName(path),
    fixed,
    rename,
    forbidden,
    ...reader,
  };
  return route(method, path, permission, answer, access);
}

// Sources

export const named = (variable: string): Source => ({ read: ({ names }) => names[variable] });
export const namedAlone = (variable: string): Source => ({ read: ({ names }) => [names[variable]] });
export const namedNumber = (variable: string): Source => ({ read: ({ names }) => Number(names[variable]) });
export const always = (value: unknown): Source => ({ read: () => value });
export const flag = (argument: string): Source => ({
  argument,
  read: ({ query }) => flagArgument(query, argument),
});
export const text = (argument: string, otherwise: string | null = null): Source => ({
  argument,
  read: ({ query }) => textArgument(query, argument, otherwise),
});
export const needed = (argument: string): Source => ({
  argument,
  read({ query }) {
    const value = textArgument(query, argument, null);
    if (value === null) throw badRequest(`Missing the required '${argument}' parameter`);
    return value;
  },
});
export const everyValue = (argument: string): Source => ({
  argument,
  read: ({ query }) => [...(query.get(argument) ?? [])],
});
