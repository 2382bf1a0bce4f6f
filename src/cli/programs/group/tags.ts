/** Tags of node groups. */
import { command, many, one } from '../../command.ts';
import * as o from '../../options/index.ts';
import * as tags from '../../shared/tags.ts';

export const listTags = command({
  arguments: [one('group')],
  options: [],
  usage: '<group>',
  description: 'List the tags of the given group',
  run: tags.listTags('nodegroup'),
});

export const addTags = command({
  arguments: [one('group'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<group> <tag>...',
  description: 'Add tags to the given group',
  run: tags.addTags('nodegroup'),
});

export const removeTags = command({
  arguments: [one('group'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<group> <tag>...',
  description: 'Remove tags from the given group',
  run: tags.removeTags('nodegroup'),
});
