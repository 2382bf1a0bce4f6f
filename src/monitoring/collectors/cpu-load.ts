/**
 * cpu-avg-load: how many processors' worth of work each processor and the node has had over the last ten minutes, from
 * counters of /proc/stat. Ganeti adds time of guests twice, which the kernel counts as the user's too (proc(5)); here
 * it counts once.
 */

/** constants.CPUAVGLOAD_*: samples that are kept, and seconds of the average. */
const mostSamples = 150;
const windowSeconds = 600;
const millisecondsPerSecond = 1000;
/** The kernel tells programs in hundredths of a second, whatever it counts in (USER_HZ). */
export const ticksPerSecond = 100;

export interface CpuSample {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Ticks of work: of all processors together, then of each. */
  readonly work: readonly number[];
}

/** user nice system idle iowait irq softirq steal; guest time is within user's, idle is no work. */
const idleColumn = 3;
const countedColumns = 8;

/** @throws RangeError for a text that isn't /proc/stat's */
export function parseCpuWork(text: string): number[] {
  const work = text
    .split('\n')
    .filter((line) => /^cpu\d* /.test(line))
    .map((line) => {
      const counters = line
        .trim()
        .split(/\s+/)
        .slice(1, 1 + countedColumns)
        .map(Number);
      return counters.reduce((sum, ticks, column) => (column === idleColumn ? sum : sum + ticks), 0);
    });
  if (work.length === 0 || work.some((ticks) => Number.isNaN(ticks)))
    throw new RangeError('/proc/stat has no lines of processors');
  return work;
}

/** The samples with a new one before them; those that are too old, or of another number of processors, go. */
export function withSample(samples: readonly CpuSample[], sample: CpuSample): CpuSample[] {
  const kept = samples.filter(
    ({ time, work }) =>
      work.length === sample.work.length &&
      time < sample.time &&
      sample.time - time <= windowSeconds * millisecondsPerSecond,
  );
  return [sample, ...kept.slice(0, mostSamples - 1)];
}

/** @param samples newest first */
export function cpuLoad(samples: readonly CpuSample[]): unknown {
  const [newest] = samples;
  const oldest = samples.at(-1);
  if (newest === undefined || oldest === undefined) return { error: 'Empty buffer' };
  const ticks = ((newest.time - oldest.time) / millisecondsPerSecond) * ticksPerSecond;
  if (ticks <= 0) {
    return {
      error: `Time covered by data is not sufficient.The window considered is ${windowSeconds}`,
    };
  }
  const [total = 0, ...each] = newest.work.map((work, index) => (work - (oldest.work[index] ?? 0)) / ticks);
  return { cpu_number: each.length, cpus: each, cpu_total: total };
}
