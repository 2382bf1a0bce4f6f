/**
 * Node calls about what was left behind. The master has proved that it is nobody's; here it is looked at once more just
 * before it goes, so that what has changed since stays.
 */
import { Failure } from '../../kit/failure.ts';
import { describeFailure } from '../../kit/process.ts';
import { minorDown, minorFacts, remainsRemove } from '../../noderpc/calls/remains.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { StorageHost } from '../../storage/host.ts';
import { findLogicalVolume, saysNotFound } from '../../storage/lvm.ts';
import type { NodeContext } from '../context.ts';

const refusal = (text: string) => new Failure('StorageError', [text]);

/** LVM's own rule for names (lvm(8)); none may look like an option. */
const lvmName = /^[a-zA-Z0-9+_.][a-zA-Z0-9+_.-]*$/;

async function removeVolume(host: StorageHost, vg: string, name: string, mark: string): Promise<void> {
  for (const part of [vg, name]) if (!lvmName.test(part)) throw refusal(`Invalid LVM name '${part}'`);
  const found = await findLogicalVolume(host, vg, name);
  if (found === null) return;
  if (!found.tags.includes(mark)) throw refusal(`Volume ${vg}/${name} has another mark by now`);
  if (found.attributes[5] === 'o') throw refusal(`Volume ${vg}/${name} is in use`);
  const result = await host.run(['lvremove', '-f', `${vg}/${name}`]);
  if (result.code !== 0 && !saysNotFound(result)) throw refusal(`Can't lvremove: ${describeFailure(result)}`);
}

/** drbd_minor_facts, drbd_minor_down and lv_remove_remains. */
export function remainsHandlers({ host, storage }: NodeContext): NodeHandler[] {
  const mirrors = () => storage.mirroring(storage.mirroringTemplate);
  return [
    answers(minorFacts, async () => [...(await (await mirrors()).minorFacts())]),
    answers(minorDown, async (known) => {
      const driver = await mirrors();
      const now = (await driver.minorFacts()).find(({ minor }) => minor === known.minor);
      if (now === undefined) return null;
      if (now.isPrimary || now.dataDevice !== known.dataDevice || now.metaDevice !== known.metaDevice)
        throw refusal(`DRBD minor ${known.minor} is not what it was`);
      await driver.forceDown(known.minor);
      return null;
    }),
    answers(remainsRemove, async ({ vg, name, mark }) => {
      await removeVolume(host, vg, name, mark);
      return null;
    }),
  ];
}
