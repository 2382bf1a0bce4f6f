/** gnt-job. */
import type { Program } from '../../command.ts';
import { archive, autoarchive, cancel, changePriority } from './change.ts';
import { wait, watch } from './follow.ts';
import { info, list, listFields } from './listing.ts';

export const program: Program = {
  commands: {
    archive,
    autoarchive,
    cancel,
    'change-priority': changePriority,
    info,
    list,
    'list-fields': listFields,
    wait,
    watch,
  },
  aliases: { show: 'info' },
  defaultsFromEnvironment: [],
};
