/** The step that changes an object's tags; adds and takes away in one commit. */
import * as z from 'zod';
import type { Draft } from '../../config/contract.ts';
import { step, type World } from '../operation.ts';

const Change = z.object({
  /** Where the object stands; the cluster has no table. */
  table: z.enum(['cluster', 'instances', 'nodes', 'nodegroups', 'networks']),
  uuid: z.string(),
  add: z.array(z.string()),
  remove: z.array(z.string()),
});
type Change = z.infer<typeof Change>;

function edit(draft: Draft, { table, uuid, add, remove }: Change): void {
  const changed = (tags: readonly string[]) => [
    ...tags.filter((tag) => !remove.includes(tag)),
    ...add.filter((tag) => !tags.includes(tag)),
  ];
  if (table === 'cluster') {
    draft.changeCluster({ tags: changed(draft.cluster.tags) });
    return;
  }
  const object = draft[table].get(uuid);
  if (object !== undefined) draft.put(table, { ...object, tags: changed(object.tags) } as never);
}

function currentTags({ config }: World, { table, uuid }: Change): readonly string[] {
  const { current } = config;
  return table === 'cluster' ? current.cluster.tags : (current[table].get(uuid)?.tags ?? []);
}

/** `add` holds only tags that the object hasn't, `remove` only those that it has, so the reverse undoes it. */
export const changeTags = step({
  name: 'change-tags',
  input: Change,
  run: async ({ config }, change) => {
    await config.change('change tags', (draft) => edit(draft, change));
  },
  undo: async (world, change) => {
    const tags = currentTags(world, change);
    const isTaken = change.add.some((tag) => tags.includes(tag));
    if (!isTaken && change.remove.every((tag) => tags.includes(tag))) return;
    const reverse = { ...change, add: change.remove, remove: change.add };
    await world.config.change('put back tags', (draft) => edit(draft, reverse));
  },
});
