/** Tags of nodes. */
import { command, many, one } from '../../command.ts';
import * as o from '../../options/index.ts';
import * as tags from '../../shared/tags.ts';

export const listTags = command({
  arguments: [one('node')],
  options: [],
  usage: '<node-name>',
  description: 'List the tags of the given node',
  run: tags.listTags('node'),
});

export const addTags = command({
  arguments: [one('node'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<node-name> <tag>...',
  description: 'Add tags to the given node',
  run: tags.addTags('node'),
});

export const removeTags = command({
  arguments: [one('node'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<node-name> <tag>...',
  description: 'Remove tags from the given node',
  run: tags.removeTags('node'),
});
