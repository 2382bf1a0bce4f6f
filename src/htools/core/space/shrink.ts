/** Making an instance smaller by one unit of the resource that stood in its way (hspace's tiered allocation). */
import type { Instance } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';

/** Steps in MiB. */
export const memoryUnit = 64;
export const diskUnit = 256;

/** The smaller instance, undefined when it can't get smaller that way. */
export function shrink(instance: Instance, refusal: Refusal): Instance | undefined {
  switch (refusal) {
    case Refusal.memory: {
      const memory = instance.memory - memoryUnit;
      return memory < memoryUnit ? undefined : instance.with({ memory });
    }
    case Refusal.disk: {
      const disks = instance.disks.map((disk) => ({ ...disk, size: disk.size - diskUnit }));
      if (disks.some((disk) => disk.size < diskUnit)) return undefined;
      return instance.with({ disk: instance.disk - disks.length * diskUnit, disks });
    }
    case Refusal.cpu:
      return instance.cpus - 1 < 1 ? undefined : instance.with({ cpus: instance.cpus - 1 });
    case Refusal.spindles: {
      const [disk] = instance.disks;
      if (instance.disks.length !== 1 || disk?.spindles === undefined || disk.spindles - 1 < 1) {
        return undefined;
      }
      return instance.with({ disks: [{ ...disk, spindles: disk.spindles - 1 }] });
    }
    default:
      return undefined;
  }
}
