/**
 * The little languages of option values: "key=value,no_key,-key", "ident:key=value" and lists of these
 * (cli_opts._SplitKeyVal and its kin). Values stay text; what type they must have is checked where the
 * parameter is defined.
 */
import { Failure } from '../../kit/failure.ts';

export type KeyValue = string | boolean | null;
export type KeyValues = Record<string, KeyValue>;
/** The identifier, and its values; false after the prefix "no_", null after "-". */
export type IdentifiedValues = [string, KeyValues | false | null];
export type SpecificationLists = Record<string, KeyValues>[];

const falsePrefix = 'no_';
const nullPrefix = '-';

/** The parts between separators; a backslash keeps a separator (or itself) in its part. */
export function unescapeAndSplit(text: string, separator = ','): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i]!;
    const next = text[i + 1];
    if (character === '\\' && next !== undefined) {
      part += next;
      i += 1;
    } else if (character === separator) {
      parts.push(part);
      part = '';
    } else {
      part += character;
    }
  }
  parts.push(part);
  return parts;
}

function parseElement(option: string, element: string, prefixes: boolean): [string, KeyValue] {
  const equals = element.indexOf('=');
  if (equals >= 0) return [element.slice(0, equals), element.slice(equals + 1)];
  if (!prefixes) {
    throw new Failure('ParameterError', [`Missing value for key '${element}' in option ${option}`]);
  }
  if (element.startsWith(falsePrefix)) return [element.slice(falsePrefix.length), false];
  if (element.startsWith(nullPrefix)) return [element.slice(nullPrefix.length), null];
  return [element, true];
}

/** @throws Failure ParameterError for a key that stands twice, or one without a value when it needs one */
export function parseKeyValues(option: string, text: string, prefixes = true): KeyValues {
  const result: KeyValues = {};
  if (text === '') return result;
  for (const element of unescapeAndSplit(text)) {
    const [key, value] = parseElement(option, element, prefixes);
    if (Object.hasOwn(result, key)) {
      throw new Failure('ParameterError', [`Duplicate key '${key}' in option ${option}`]);
    }
    Object.defineProperty(result, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return result;
}

/** @throws Failure ParameterError, also when values follow a prefix that takes the whole group away */
export function parseIdentified(option: string, text: string, prefixes = true): IdentifiedValues {
  const colon = text.indexOf(':');
  const ident = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? '' : text.slice(colon + 1);
  const removes = (value: false | null, prefix: string): IdentifiedValues => {
    if (rest !== '') {
      throw new Failure('ParameterError', [`Cannot pass options when removing parameter groups: ${text}`]);
    }
    return [ident.slice(prefix.length), value];
  };
  if (prefixes && ident.startsWith(falsePrefix)) return removes(false, falsePrefix);
  // "-1" is an index, not the removal of "1".
  if (prefixes && ident.startsWith(nullPrefix) && !/^-\d/.test(ident)) return removes(null, nullPrefix);
  return [ident, parseKeyValues(option, rest, prefixes)];
}

function parseSection(option: string, text: string): Record<string, KeyValues> {
  const result: Record<string, KeyValues> = {};
  for (const element of text.split('/')) {
    if (element === '') throw new Failure('ParameterError', [`Empty section in option '${option}'`]);
    const [ident, values] = parseIdentified(option, element, false);
    if (Object.hasOwn(result, ident)) {
      throw new Failure('ParameterError', [
        `Duplicated parameter '${ident}' in parsing ${option}: ${element}`,
      ]);
    }
    result[ident] = values as KeyValues;
  }
  return result;
}

export function parseSpecificationLists(option: string, text: string): SpecificationLists {
  return text.split('//').map((section) => parseSection(option, section));
}

/**
 * Repeated "ident:…" options as one object, the last of a name winning (Python's dict of pairs).
 * @throws Failure OpPrereqError wrong_input for an entry that was removed with "no_" or "-"
 */
export function groupsOf(entries: readonly IdentifiedValues[]): Record<string, KeyValues> {
  const result: Record<string, KeyValues> = {};
  for (const [ident, values] of entries) {
    if (values === false || values === null) {
      throw new Failure('OpPrereqError', [`Parameter group '${ident}' can't be removed here`, 'wrong_input']);
    }
    result[ident] = values;
  }
  return result;
}

/** "type/name:key=value" entries as two levels (utils.FlatToDict). */
export function nestedGroupsOf(entries: readonly IdentifiedValues[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [path, values] of entries) {
    const keys = path.split('/');
    const last = keys.pop()!;
    let level = result;
    for (const key of keys) {
      level[key] ??= {};
      level = level[key] as Record<string, unknown>;
    }
    level[last] = values;
  }
  return result;
}
