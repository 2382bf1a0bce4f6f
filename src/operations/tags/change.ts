/** OP_TAGS_SET and OP_TAGS_DEL: tags are given to an object and taken from it. */
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import { niceSort } from '../../kit/nice-sort.ts';
import { mostTags, requireTags } from '../../model/tags.ts';
import { TagsDel, TagsSet } from '../../opcodes/tags.ts';
import { type JobHandle, operation } from '../operation.ts';
import { changeTags } from '../steps/tags.ts';
import { type TagTarget, tagLocks, tagTarget } from './target.ts';

interface TagsPlan {
  readonly target: TagTarget;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

async function run({ target, add, remove }: TagsPlan, job: JobHandle): Promise<null> {
  const { table, uuid } = target;
  await job.do(changeTags, { table, uuid, add: [...add], remove: [...remove] });
  await job.keep();
  return null;
}

export const tagsSet = operation({
  opcode: TagsSet,
  steps: [changeTags],
  locks: (op, configuration) => tagLocks(configuration, op.kind, op.name, 'exclusive'),
  plan: async (op, { configuration }): Promise<TagsPlan> => {
    requireTags(op.tags);
    const target = tagTarget(configuration, op.kind, op.name);
    const add = [...new Set(op.tags)].filter((tag) => !target.tags.includes(tag));
    if (target.tags.length + add.length > mostTags)
      throw executionFailure('Error while setting tag: Too many tags');
    return { target, add, remove: [] };
  },
  run,
});

export const tagsDel = operation({
  opcode: TagsDel,
  steps: [changeTags],
  locks: (op, configuration) => tagLocks(configuration, op.kind, op.name, 'exclusive'),
  plan: async (op, { configuration }): Promise<TagsPlan> => {
    requireTags(op.tags);
    const target = tagTarget(configuration, op.kind, op.name);
    const remove = [...new Set(op.tags)];
    const missing = remove.filter((tag) => !target.tags.includes(tag));
    if (missing.length > 0) {
      const names = niceSort(missing).map((tag) => `'${tag}'`);
      throw prerequisiteFailure(`Tag(s) ${names.join(', ')} not found`, ErrorCode.unknown);
    }
    return { target, add: [], remove };
  },
  run,
});
