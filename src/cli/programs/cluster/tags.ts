/** Tags of the cluster. */
import { tagCommands } from '../../shared/tags.ts';

export const { listTags, addTags, removeTags } = tagCommands({
  kind: 'cluster',
  usage: '',
  what: 'the cluster',
});
