/** Tags of instances. */
import { command, many, one } from '../../command.ts';
import * as o from '../../options/index.ts';
import * as tags from '../../shared/tags.ts';

export const listTags = command({
  arguments: [one('instance')],
  options: [],
  usage: '<instance-name>',
  description: 'List the tags of the given instance',
  run: tags.listTags('instance'),
});

export const addTags = command({
  arguments: [one('instance'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<instance-name> <tag>...',
  description: 'Add tags to the given instance',
  run: tags.addTags('instance'),
});

export const removeTags = command({
  arguments: [one('instance'), many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<instance-name> <tag>...',
  description: 'Remove tags from given instance',
  run: tags.removeTags('instance'),
});
