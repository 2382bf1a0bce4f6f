/** gnt-node. */
import type { Program } from '../../command.ts';
import { add } from './add.ts';
import { modify, powercycle, remove } from './change.ts';
import { evacuate, failover, migrate } from './instances.ts';
import { info, list, listFields } from './listing.ts';
import { health, power, restrictedCommand } from './power.ts';
import { listDrbd, listStorage, modifyStorage, repairStorage, volumes } from './storage.ts';
import { addTags, listTags, removeTags } from './tags.ts';

export const program: Program = {
  commands: {
    add,
    'add-tags': addTags,
    evacuate,
    failover,
    health,
    info,
    list,
    'list-drbd': listDrbd,
    'list-fields': listFields,
    'list-storage': listStorage,
    'list-tags': listTags,
    migrate,
    modify,
    'modify-storage': modifyStorage,
    power,
    powercycle,
    remove,
    'remove-tags': removeTags,
    'repair-storage': repairStorage,
    'restricted-command': restrictedCommand,
    volumes,
  },
  aliases: { show: 'info' },
  defaultsFromEnvironment: ['list'],
};
