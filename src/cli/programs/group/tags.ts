/** Tags of node groups. */
import { tagCommands } from '../../shared/tags.ts';

export const { listTags, addTags, removeTags } = tagCommands({
  kind: 'nodegroup',
  argument: 'group',
  usage: '<group>',
  what: 'the given group',
});
