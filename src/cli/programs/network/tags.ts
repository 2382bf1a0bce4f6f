/** Tags of networks. */
import { command, many, one } from '../../command.ts';
import * as o from '../../options/index.ts';
import * as tags from '../../shared/tags.ts';

export const listTags = command({
  arguments: [one('network')],
  options: [],
  usage: '<network>',
  description: 'List the tags of the given network',
  run: tags.listTags('network'),
});

export const addTags = command({
  arguments: [one('network'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<network> <tag>...',
  description: 'Add tags to the given network',
  run: tags.addTags('network'),
});

export const removeTags = command({
  arguments: [one('network'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<network> <tag>...',
  description: 'Remove tags from given network',
  run: tags.removeTags('network'),
});
