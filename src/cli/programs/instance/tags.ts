/** Tags of instances. */
import { tagCommands } from '../../shared/tags.ts';

export const { listTags, addTags, removeTags } = tagCommands({
  kind: 'instance',
  argument: 'instance',
  usage: '<instance-name>',
  what: 'the given instance',
  from: 'given instance',
});
