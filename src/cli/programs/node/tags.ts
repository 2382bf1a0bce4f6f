/** Tags of nodes. */
import { tagCommands } from '../../shared/tags.ts';

export const { listTags, addTags, removeTags } = tagCommands({
  kind: 'node',
  argument: 'node',
  usage: '<node-name>',
  what: 'the given node',
});
