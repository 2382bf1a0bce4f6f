/**
 * The indented listings of the `info` commands, valid YAML (cli.PrintGenericInfo).
 *
 *   text, number…   as Python prints it
 *   object          keys in alphabetical order
 *   Pairs           keys in their own order, values of one group aligned
 *   Inline          "[a, b]" on one line
 *   list            "- " before each item
 */
import { pythonText } from './python-text.ts';

export class Pairs {
  readonly entries: readonly PairEntry[];

  constructor(entries: readonly PairEntry[]) {
    this.entries = entries;
  }
}

/** Key, value, and the group within which values stand below each other. */
export type PairEntry = readonly [string, Info] | readonly [string, Info, string];

export class Inline {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

export type Info = unknown;

export function pairs(...entries: (PairEntry | undefined)[]): Pairs {
  return new Pairs(entries.filter((entry) => entry !== undefined));
}

function byCodePoint(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

const indentOf = (level: number) => '  '.repeat(level);

function writeEntries(entries: readonly PairEntry[], level: number, afterKey: boolean): string {
  if (entries.length === 0) return '\n';
  const widths = new Map<string, number>();
  for (const [key, , group] of entries) {
    if (group !== undefined) widths.set(group, Math.max(widths.get(group) ?? 0, key.length));
  }
  const lines = entries.map(([key, value, group], index) => {
    const indent = index === 0 && !afterKey ? '' : indentOf(level);
    const padding = group === undefined ? '' : ' '.repeat(widths.get(group)! - key.length);
    return `${indent}${key}: ${padding}${write(value, level + 1, true)}`;
  });
  return (afterKey ? '\n' : '') + lines.join('');
}

function writeList(items: readonly unknown[], level: number, afterKey: boolean): string {
  if (items.length === 0) return '\n';
  const lines = items.map((item, index) => {
    const indent = index === 0 && !afterKey ? '' : indentOf(level);
    return `${indent}- ${write(item, level + 1, false)}`;
  });
  return (afterKey ? '\n' : '') + lines.join('');
}

function write(value: unknown, level: number, afterKey: boolean): string {
  if (value instanceof Pairs) return writeEntries(value.entries, level, afterKey);
  if (value instanceof Inline) return `[${value.items.map(pythonText).join(', ')}]\n`;
  if (Array.isArray(value)) return writeList(value, level, afterKey);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([left], [right]) => byCodePoint(left, right));
    return writeEntries(entries, level, afterKey);
  }
  return `${pythonText(value)}\n`;
}

/** The whole text without the newline at its end. */
export function formatInfo(data: Info): string {
  return write(data, 0, false).replace(/\n+$/, '');
}
