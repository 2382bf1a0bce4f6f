/**
 * What a real Ganeti 3.0.2 answered over its remote API (transcripts/rapi.txt: curl commands with what came back),
 * and whether another answer is of the same form: the same status, the same keys, the same types.
 * Values are compared where they don't depend on the cluster: errors whole, answers by form.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../src/kit/failure.ts';
import { splitWords } from '../../src/kit/shell-words.ts';

export interface RecordedExchange {
  readonly command: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly user: string | undefined;
  readonly body: string | undefined;
  readonly contentType: string | undefined;
  readonly status: number;
  readonly reason: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

function requestOf(command: string) {
  const words = splitWords(command);
  const after = (option: string) => {
    const at = words.indexOf(option);
    return at < 0 ? undefined : words[at + 1];
  };
  const address = words.find((word) => word.startsWith('https://'));
  if (address === undefined) throw new Failure('GenericError', [`no address in '${command}'`]);
  const body = after('-d');
  return {
    method: after('-X') ?? 'GET',
    url: address.replace(/^https:\/\/[^/]+/, ''),
    user: after('-u'),
    body,
    // curl's own, when none is said.
    contentType:
      after('-H')?.replace(/^Content-Type: /, '') ??
      (body === undefined ? undefined : 'application/x-www-form-urlencoded'),
  };
}

function exchangeOf(record: string): RecordedExchange | undefined {
  const [, command, answer] =
    /^\[node1\] \$ (curl .*)\n[\s\S]*?--- stdout\n([\s\S]*?)--- stderr/.exec(record) ?? [];
  // One that was cut short says nothing of its form.
  if (command === undefined || answer === undefined || command.includes(' | ')) return undefined;
  const end = answer.indexOf('\n\n');
  const [first = '', ...lines] = answer.slice(0, end).split('\n');
  const [, status, reason] = /^HTTP\/1\.1 (\d+) (.*)$/.exec(first) ?? [];
  const headers = lines.map((line) => line.split(': ', 2) as [string, string]);
  return {
    command,
    ...requestOf(command),
    status: Number(status),
    reason: reason!,
    headers: new Map(headers),
    text: answer.slice(end + 2),
  };
}

/** @param rename from names of the recorded cluster to those of another */
export function recordedExchanges(rename: (text: string) => string): RecordedExchange[] {
  const text = readFileSync(join(import.meta.dirname, 'transcripts', 'rapi.txt'), 'utf8');
  return text.split(/^### (?=\[node1\])/m).flatMap((record) => exchangeOf(rename(record)) ?? []);
}

const typeOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);
const isObject = (value: unknown): value is Record<string, unknown> => typeOf(value) === 'object';

/**
 * How the forms of two values differ, each with its place. A null stands for any type. What newer releases have
 * besides is left out by `isNewer`, what depends on the cluster's settings by `isOpen`, both by the place.
 */
export function differences(
  recorded: unknown,
  found: unknown,
  isNewer: (place: string) => boolean,
  isOpen: (place: string) => boolean,
  place = '',
): string[] {
  if (isOpen(place) || recorded === null || found === null) return [];
  if (typeOf(recorded) !== typeOf(found)) return [`${place}: ${typeOf(recorded)} became ${typeOf(found)}`];
  if (Array.isArray(recorded)) {
    const items = recorded as unknown[];
    if (items.length === 0) return [];
    return (found as unknown[]).flatMap((item, index) =>
      differences(items[Math.min(index, items.length - 1)], item, isNewer, isOpen, `${place}[]`),
    );
  }
  if (!isObject(recorded) || !isObject(found)) return [];
  const within = (name: string) => (place === '' ? name : `${place}.${name}`);
  const keys = Object.keys(found).filter((name) => Object.hasOwn(recorded, name) || !isNewer(within(name)));
  const wanted = Object.keys(recorded);
  const missing = wanted.filter((name) => !keys.includes(name));
  const added = keys.filter((name) => !wanted.includes(name));
  if (missing.length + added.length > 0)
    return [`${place}: ${missing.join(' ')} missing, ${added.join(' ')} added`];
  return wanted.flatMap((name) => differences(recorded[name], found[name], isNewer, isOpen, within(name)));
}
