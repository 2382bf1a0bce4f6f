/** Tags of anything that has them: read at once, set and removed by jobs, tags given in the query. */
import { TagsDel, TagsSet } from '../../opcodes/tags.ts';
import { always, everyValue, flag, named, type Route, route, submits } from '../route.ts';

export type TagKind = 'cluster' | 'node' | 'instance' | 'nodegroup' | 'network';

/** @param variable of the path that names the object; the cluster has none */
export function tagRoutes(path: string, kind: TagKind, variable?: string): readonly Route[] {
  const fixed = {
    kind: always(kind),
    name: variable === undefined ? always(null) : named(variable),
    tags: everyValue('tag'),
    dry_run: flag('dry-run'),
  };
  return [
    route('GET', path, 'tags.get', {
      kind: 'read',
      contract: { doc: 'Its tags.', result: { type: 'array', items: { type: 'string' } } },
      ask: ({ names }) => ({
        method: 'QueryTags',
        args: [kind, variable === undefined ? '' : names[variable]],
      }),
    }),
    submits('PUT', path, 'tags.set', TagsSet, { fixed, body: false }),
    submits('DELETE', path, 'tags.delete', TagsDel, { fixed, body: false }),
  ];
}
