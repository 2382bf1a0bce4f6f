/** What `drbdsetup show` prints of a resource in DRBD 8.4: nested sections of words. Pure. */
import { deviceFailure } from '../host.ts';

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/** What a minor is made of; what it doesn't have is undefined. */
export interface Shown {
  readonly dataDevice: string | undefined;
  readonly metaDevice: string | undefined;
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  readonly twoPrimaries: boolean;
}

interface Section {
  readonly words: readonly string[];
  readonly inner: readonly Section[];
}

const token = /\s*(?:#[^\n]*|"([^"]*)"|([{};])|([^\s{};"#]+))/y;

interface Token {
  readonly text: string;
  readonly mark: boolean;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let position = 0;
  while (position < text.length) {
    token.lastIndex = position;
    const match = token.exec(text);
    if (match === null) break;
    position = token.lastIndex;
    const [, quoted, mark, word] = match;
    if (mark !== undefined) found.push({ text: mark, mark: true });
    else if (quoted !== undefined || word !== undefined)
      found.push({ text: quoted ?? word ?? '', mark: false });
  }
  if (text.slice(position).trim() !== '') {
    throw deviceFailure(`Can't parse drbdsetup show output: ${text.slice(position).trim()}`);
  }
  return found;
}

/** Statements end with ";", sections hold others in braces. */
function parseSections(all: readonly Token[], from: number): { sections: Section[]; end: number } {
  const sections: Section[] = [];
  let words: string[] = [];
  let position = from;
  while (position < all.length) {
    const { text, mark } = all[position]!;
    position += 1;
    if (!mark) {
      words.push(text);
    } else if (text === ';') {
      sections.push({ words, inner: [] });
      words = [];
    } else if (text === '{') {
      const { sections: inner, end } = parseSections(all, position);
      sections.push({ words, inner });
      words = [];
      position = end;
    } else {
      return { sections, end: position };
    }
  }
  return { sections, end: position };
}

function endpoint(section: Section | undefined): Endpoint | undefined {
  const text = section?.inner.find(({ words }) => words[0] === 'address')?.words.at(-1);
  if (text === undefined) return undefined;
  const match = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text);
  if (match === null) throw deviceFailure(`Can't parse drbdsetup show output: address ${text}`);
  return { ip: match[1]!, port: Number(match[2]) };
}

/**
 * The facts about one resource with one volume, which is how Ganeti makes them.
 * @throws Failure BlockDeviceError
 */
export function parseShow(text: string): Shown {
  const { sections } = parseSections(tokens(text), 0);
  const resource = sections.find(({ words }) => words[0] === 'resource')?.inner ?? [];
  const named = (name: string) => resource.find(({ words }) => words[0] === name);
  const here = named('_this_host');
  const volume = here?.inner.find(({ words }) => words[0] === 'volume')?.inner ?? [];
  const device = (name: string) =>
    volume.find(({ words, inner }) => words[0] === name && words.length > 1 && inner.length === 0)?.words[1];
  const option = named('net')?.inner.find(({ words }) => words[0] === 'allow-two-primaries');
  return {
    dataDevice: device('disk'),
    metaDevice: device('meta-disk'),
    local: endpoint(here),
    remote: endpoint(named('_remote_host')),
    twoPrimaries: option !== undefined && option.words[1] !== 'no',
  };
}

/** Nothing is known of a minor that isn't configured. */
export const shownNothing: Shown = {
  dataDevice: undefined,
  metaDevice: undefined,
  local: undefined,
  remote: undefined,
  twoPrimaries: false,
};
