/** OP_TAGS_GET and OP_TAGS_SEARCH: reading tags. */
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { TagsGet, TagsSearch } from '../../opcodes/tags.ts';
import { operation } from '../operation.ts';
import { tagLocks, tagTarget } from './target.ts';

export const tagsGet = operation({
  opcode: TagsGet,
  steps: [],
  locks: (op, configuration) => (op.use_locking ? tagLocks(configuration, op.kind, op.name, 'shared') : []),
  plan: async (op, { configuration }) => [...tagTarget(configuration, op.kind, op.name).tags],
  run: async (tags) => tags,
});

/** Path and tag of everything that has tags, in the order that LUTagsSearch goes. */
function everyTag(configuration: Configuration): [string, string][] {
  const { cluster, instances, nodes, nodegroups, networks } = configuration;
  const under = (
    noun: string,
    objects: Iterable<{ readonly name: string; readonly tags: readonly string[] }>,
  ) =>
    [...objects].flatMap(({ name, tags }) => tags.map((tag): [string, string] => [`/${noun}/${name}`, tag]));
  return [
    ...cluster.tags.map((tag): [string, string] => ['/cluster', tag]),
    ...under('instances', instances),
    ...under('nodes', nodes),
    ...under('nodegroup', nodegroups),
    ...under('network', networks),
  ];
}

export const tagsSearch = operation({
  opcode: TagsSearch,
  steps: [],
  locks: () => [],
  plan: async (op, { configuration }) => {
    let pattern: RegExp;
    try {
      pattern = new RegExp(op.pattern, 'u');
    } catch (error) {
      throw prerequisiteFailure(
        `Invalid search pattern '${op.pattern}': ${messageOf(error).split(': ').at(-1)}`,
        ErrorCode.invalid,
      );
    }
    return everyTag(configuration).filter(([, tag]) => pattern.test(tag));
  },
  run: async (found) => found,
});
