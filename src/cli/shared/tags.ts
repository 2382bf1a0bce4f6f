/** What `list-tags`, `add-tags` and `remove-tags` of every noun do; their tables stand with their programs. */

import { readFileSync } from 'node:fs';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { TagsDel, TagsSet } from '../../opcodes/tags.ts';
import type { TagKind } from '../command.ts';
import { opcodeOf } from '../jobs/opcode.ts';
import { type JobOptions, submit } from '../jobs/submit.ts';
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

export function listTags(kind: TagKind) {
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

export function addTags(kind: TagKind) {
  return changeTags(kind, TagsSet, 'added');
}

export function removeTags(kind: TagKind) {
  return changeTags(kind, TagsDel, 'removed');
}
