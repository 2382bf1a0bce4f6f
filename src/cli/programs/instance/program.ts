/** gnt-instance. */
import type { Program } from '../../command.ts';
import { modify, remove, rename } from './change.ts';
import { console } from './console.ts';
import { add, batchCreate } from './create.ts';
import { activateDisks, deactivateDisks, growDisk, recreateDisks, replaceDisks } from './disks.ts';
import { info, list, listFields } from './listing.ts';
import { changeGroup, failover, migrate, move } from './placement.ts';
import { reboot, reinstall, shutdown, startup } from './state.ts';
import { addTags, listTags, removeTags } from './tags.ts';

export const program: Program = {
  commands: {
    'activate-disks': activateDisks,
    add,
    'add-tags': addTags,
    'batch-create': batchCreate,
    'change-group': changeGroup,
    console,
    'deactivate-disks': deactivateDisks,
    failover,
    'grow-disk': growDisk,
    info,
    list,
    'list-fields': listFields,
    'list-tags': listTags,
    migrate,
    modify,
    move,
    reboot,
    'recreate-disks': recreateDisks,
    reinstall,
    remove,
    'remove-tags': removeTags,
    rename,
    'replace-disks': replaceDisks,
    shutdown,
    startup,
  },
  aliases: { start: 'startup', stop: 'shutdown', show: 'info' },
  defaultsFromEnvironment: ['list'],
};
