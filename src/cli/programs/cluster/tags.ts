/** Tags of the cluster. */
import { command, many } from '../../command.ts';
import * as o from '../../options/index.ts';
import * as tags from '../../shared/tags.ts';

export const listTags = command({
  arguments: [],
  options: [],
  usage: '',
  description: 'List the tags of the cluster',
  run: tags.listTags('cluster'),
});

export const addTags = command({
  arguments: [many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<tag>...',
  description: 'Add tags to the cluster',
  run: tags.addTags('cluster'),
});

export const removeTags = command({
  arguments: [many('unknown')],
  options: [o.tagsFrom, o.priority, o.submit, o.printJobId],
  usage: '<tag>...',
  description: 'Remove tags from the cluster',
  run: tags.removeTags('cluster'),
});
