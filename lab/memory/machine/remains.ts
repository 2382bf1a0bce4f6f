/** What a machine in memory answers about mirrors and volumes of nobody. */
import { Failure } from '../../../src/kit/failure.ts';
import type { MinorFacts } from '../../../src/noderpc/calls/remains.ts';
import type { Handler } from './machine.ts';

const idOf = (path: string | null) => JSON.stringify((path ?? '').replace('/dev/', '').split('/'));

export const remainsHandlers: Readonly<Record<string, Handler>> = {
  drbd_minor_facts: (machine) => [...machine.ghosts.values()],
  drbd_minor_down: (machine, { minor, dataDevice, metaDevice }: MinorFacts) => {
    for (const path of [dataDevice, metaDevice]) machine.open.delete(idOf(path));
    machine.ghosts.delete(minor);
    return null;
  },
  lv_remove_remains: (machine, { vg, name, mark }: { vg: string; name: string; mark: string }) => {
    const id = JSON.stringify([vg, name]);
    if (!machine.volumes.has(id)) return null;
    if (machine.open.has(id) || machine.info.get(id) !== mark)
      throw new Failure('StorageError', [`volume ${id} is in use`]);
    machine.volumes.delete(id);
    machine.info.delete(id);
    return null;
  },
};
