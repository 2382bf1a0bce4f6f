/** gnt-network. */
import type { Program } from '../../command.ts';
import { info, list, listFields } from './listing.ts';
import { add, connect, disconnect, modify, remove, rename } from './networks.ts';
import { addTags, listTags, removeTags } from './tags.ts';

export const program: Program = {
  commands: {
    add,
    'add-tags': addTags,
    connect,
    disconnect,
    info,
    list,
    'list-fields': listFields,
    'list-tags': listTags,
    modify,
    remove,
    'remove-tags': removeTags,
    rename,
  },
  aliases: {},
  defaultsFromEnvironment: [],
};
