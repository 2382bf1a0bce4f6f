/** Locks that somebody has or waits for. */
import { compareNicely } from '../../kit/nice-sort.ts';
import { valued } from '../cell.ts';
import { type LockRecord, needed } from '../context.ts';
import { described, type StaticField } from '../field.ts';
import { resource } from '../resource.ts';

const fields: StaticField<LockRecord>[] = [
  { ...described('name', 'Name', 'other', 'Level and name of the lock'), read: (lock) => valued(lock.name) },
  {
    ...described('mode', 'Mode', 'other', 'How it is held: exclusive or shared'),
    read: (lock) => valued(lock.mode),
  },
  { ...described('owner', 'Owner', 'other', 'Jobs that hold it'), read: (lock) => valued(lock.owner ?? []) },
  {
    ...described('pending', 'Pending', 'other', 'Jobs that wait for it, with the mode they want'),
    read: (lock) => valued(lock.pending ?? []),
  },
];

export const locks = resource<LockRecord, undefined>({
  name: 'lock',
  nameField: 'name',
  uuidField: 'name',
  fields,
  items: (context) => [...needed(context, 'locks').describe()].sort((a, b) => compareNicely(a.name, b.name)),
});
