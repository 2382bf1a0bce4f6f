/** `list-tags`, `add-tags` and `remove-tags` of every noun. */

import { readFileSync } from 'node:fs';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { TagsDel, TagsSet } from '../../opcodes/tags.ts';
import { type ArgumentKind, type Command, command, many, one, type TagKind } from '../command.ts';
import { opcodeOf } from '../jobs/opcode.ts';
import { type JobOptions, submit } from '../jobs/submit.ts';
import * as o from '../options/index.ts';
import { systemErrorText } from '../output/system-errors.ts';
import type { Session } from '../session.ts';

interface TagOptions extends JobOptions {
  readonly tags_source: string | null;
}

function splitTarget(kind: TagKind, args: readonly string[]): { name: string; rest: readonly string[] } {
  if (kind === 'cluster') return { name: '', rest: args };
  const [name, ...rest] = args;
  if (name === undefined) {
    throw prerequisiteFailure('no arguments passed to the command', ErrorCode.invalid);
  }
  return { name, rest };
}

/** One tag a line of `--from`, "-" being standard input. */
function tagsFrom(source: string | null): string[] {
  if (source === null) return [];
  let text: string;
  try {
    text = readFileSync(source === '-' ? 0 : source, 'utf8');
  } catch (error) {
    throw prerequisiteFailure(
      `Can't read tags from '${source}': ${systemErrorText(error)}`,
      ErrorCode.environment,
    );
  }
  const lines = text.split('\n').map((line) => line.trim());
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function listTags(kind: TagKind) {
  return async (session: Session, _options: unknown, args: string[]): Promise<number> => {
    const { name } = splitTarget(kind, args);
    const tags = (await session.call('QueryTags', [kind, name])) as string[];
    session.printLines([...tags].sort());
    return 0;
  };
}

function changeTags(kind: TagKind, definition: typeof TagsSet | typeof TagsDel, verb: string) {
  return async (session: Session, options: TagOptions, args: string[]): Promise<number> => {
    const { name, rest } = splitTarget(kind, args);
    const tags = [...rest, ...tagsFrom(options.tags_source)];
    if (tags.length === 0) throw prerequisiteFailure(`No tags to be ${verb}`, ErrorCode.invalid);
    await submit(session, opcodeOf(definition, { kind, name, tags }), options);
    return 0;
  };
}

/** What is tagged, and the words for it. */
export interface Tagged {
  readonly kind: TagKind;
  /** What the name of one is; the cluster needs none. */
  readonly argument?: ArgumentKind;
  /** "<node-name>", or nothing. */
  readonly usage: string;
  /** "the given node" */
  readonly what: string;
  /** The same where tags are taken away: Ganeti has a word less there for some. */
  readonly from?: string;
}

export function tagCommands({ kind, argument, usage, what, from = what }: Tagged): {
  readonly listTags: Command;
  readonly addTags: Command;
  readonly removeTags: Command;
} {
  const named = argument === undefined ? [] : [one(argument)];
  const changing = {
    arguments: [...named, many('unknown')],
    options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
    usage: `${usage} <tag>...`.trim(),
  } as const;
  return {
    listTags: command({
      arguments: named,
      options: [],
      usage,
      description: `List the tags of ${what}`,
      run: listTags(kind),
    }),
    addTags: command({
      ...changing,
      description: `Add tags to ${what}`,
      run: changeTags(kind, TagsSet, 'added'),
    }),
    removeTags: command({
      ...changing,
      description: `Remove tags from ${from}`,
      run: changeTags(kind, TagsDel, 'removed'),
    }),
  };
}
