/** From a path to its route: words are compared one by one, variables by what Ganeti lets them be. */
import { HttpError } from './http-error.ts';
import { type Method, methods, type Route } from './route.ts';

const name = /^[\w.-]+$/;
const digits = /^\d{1,15}$/;
/** Variables that aren't names. */
const patterns: Readonly<Record<string, RegExp>> = { job_id: digits, disk_index: digits };

/** What a variable of a path may be. */
export const variablePattern = (variable: string): RegExp => patterns[variable] ?? name;

export interface Found {
  readonly route: Route;
  readonly names: Readonly<Record<string, string>>;
}

interface Resource {
  readonly words: readonly string[];
  readonly byMethod: Map<string, Route>;
}

function matched(words: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const names: Record<string, string> = {};
  for (const [index, word] of words.entries()) {
    const value = given[index]!;
    if (!word.startsWith('{')) {
      if (word !== value) return undefined;
      continue;
    }
    const variable = word.slice(1, -1);
    if (!variablePattern(variable).test(value)) return undefined;
    names[variable] = value;
  }
  return names;
}

/** Ganeti says that it doesn't know the method; additions say what HTTP has for it. */
function unsupported(method: string, url: string, { byMethod, words }: Resource): HttpError {
  const message = `Method ${method} is unsupported for path ${url}`;
  if (words[1] !== '3') return new HttpError(501, message);
  return new HttpError(405, message, { Allow: [...byMethod.keys()].join(', ') });
}

export type Finder = (method: string, path: string, url: string) => Found;

/**
 * @returns finds a route; throws HttpError 404 for a path that nobody knows, 501 (405 below /3) for another method
 */
export function createFinder(routes: readonly Route[]): Finder {
  const byLength = new Map<number, Resource[]>();
  const known = new Map<string, Resource>();
  for (const route of routes) {
    let resource = known.get(route.path);
    if (resource === undefined) {
      resource = { words: route.path.split('/'), byMethod: new Map() };
      known.set(route.path, resource);
      const { length } = resource.words;
      byLength.set(length, [...(byLength.get(length) ?? []), resource]);
    }
    resource.byMethod.set(route.method, route);
  }
  return (method, path, url) => {
    const given = path.split('/');
    for (const resource of byLength.get(given.length) ?? []) {
      const { byMethod } = resource;
      const names = matched(resource.words, given);
      if (names === undefined) continue;
      const route = (methods as readonly string[]).includes(method)
        ? byMethod.get(method as Method)
        : undefined;
      if (route === undefined) throw unsupported(method, url, resource);
      return { route, names };
    }
    throw new HttpError(404);
  };
}
