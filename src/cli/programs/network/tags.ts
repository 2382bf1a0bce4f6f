/** Tags of networks. */
import { tagCommands } from '../../shared/tags.ts';

export const { listTags, addTags, removeTags } = tagCommands({
  kind: 'network',
  argument: 'network',
  usage: '<network>',
  what: 'the given network',
  from: 'given network',
});
