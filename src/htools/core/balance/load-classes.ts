/**
 * Instances that are the same to a node that takes them in: equal memory, disk, CPUs, load. A search looks at
 * what taking one in does to each node once per class, not once per instance.
 */
import type { Instance } from '../terms/instance.ts';
import { Figure, figureCount } from './columns.ts';

export interface LoadClass {
  /** Any instance of the class. */
  readonly sample: Instance;
  /** What it takes as a primary, in units of each figure's resource. */
  readonly asPrimary: Float64Array;
  readonly asSecondary: Float64Array;
  /** Memory its primary uses, MiB. */
  readonly used: number;
  /** Memory to keep free on its secondary, MiB. */
  readonly needed: number;
}

function keyOf(instance: Instance): string {
  const { load } = instance;
  return [
    instance.memory,
    instance.disk,
    instance.cpus,
    instance.status,
    instance.template,
    instance.spindleUse,
    instance.autoBalance,
    load.cpu,
    load.memory,
    load.disk,
    load.network,
  ].join(' ');
}

function classOf(instance: Instance): LoadClass {
  const { load, memory, disk, cpus, spindleUse, usesLocalStorage } = instance;
  const used = instance.usesMemory ? memory : 0;
  const needed = instance.reservesMemory ? memory : 0;
  const asPrimary = new Float64Array(figureCount);
  asPrimary[Figure.memory] = -used;
  asPrimary[Figure.memoryForth] = -memory;
  asPrimary[Figure.disk] = usesLocalStorage ? -disk : 0;
  asPrimary[Figure.cpu] = instance.isOffline ? 0 : cpus;
  asPrimary[Figure.cpuLoad] = load.cpu;
  asPrimary[Figure.memoryLoad] = load.memory;
  asPrimary[Figure.diskLoad] = load.disk;
  asPrimary[Figure.networkLoad] = load.network;
  asPrimary[Figure.spindles] = usesLocalStorage ? spindleUse : 0;
  const asSecondary = new Float64Array(figureCount);
  asSecondary[Figure.disk] = -disk;
  asSecondary[Figure.diskLoad] = load.disk;
  asSecondary[Figure.spindles] = usesLocalStorage ? spindleUse : 0;
  return { sample: instance, asPrimary, asSecondary, used, needed };
}

export interface LoadClasses {
  readonly classes: readonly LoadClass[];
  /** Class of each instance, by its place in the list given. */
  readonly of: Int32Array;
}

export function loadClasses(instances: readonly Instance[]): LoadClasses {
  const known = new Map<string, number>();
  const classes: LoadClass[] = [];
  const of = Int32Array.from(instances, (instance) => {
    const key = keyOf(instance);
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, classes.length);
    classes.push(classOf(instance));
    return classes.length - 1;
  });
  return { classes, of };
}
