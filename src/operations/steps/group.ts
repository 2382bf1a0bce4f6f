/** The step that moves nodes between groups, all in one commit. */
import * as z from 'zod';
import type { ConfigStore } from '../../config/contract.ts';
import { step } from '../operation.ts';

const Moves = z.array(z.object({ node: z.string(), from: z.string(), to: z.string() }));

async function place(config: ConfigStore, groups: ReadonlyMap<string, string>): Promise<void> {
  const moved = [...groups].filter(([node, group]) => config.current.nodes.get(node)?.group !== group);
  if (moved.length === 0) return;
  await config.change('assign nodes to a group', (draft) => {
    for (const [uuid, group] of moved) {
      const node = draft.nodes.get(uuid);
      if (node !== undefined) draft.put('nodes', { ...node, group });
    }
  });
}

export const assignToGroups = step({
  name: 'assign-to-groups',
  input: z.object({ moves: Moves }),
  run: ({ config }, { moves }) => place(config, new Map(moves.map(({ node, to }) => [node, to]))),
  undo: ({ config }, { moves }) => place(config, new Map(moves.map(({ node, from }) => [node, from]))),
});
