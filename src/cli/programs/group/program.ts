/** gnt-group. */
import type { Program } from '../../command.ts';
import { add, assignNodes, evacuate, modify, remove, rename } from './groups.ts';
import { info, list, listFields, showIspecsCmd } from './listing.ts';
import { addTags, listTags, removeTags } from './tags.ts';

export const program: Program = {
  commands: {
    add,
    'add-tags': addTags,
    'assign-nodes': assignNodes,
    evacuate,
    info,
    list,
    'list-fields': listFields,
    'list-tags': listTags,
    modify,
    remove,
    'remove-tags': removeTags,
    rename,
    'show-ispecs-cmd': showIspecsCmd,
  },
  aliases: {},
  defaultsFromEnvironment: ['list'],
};
