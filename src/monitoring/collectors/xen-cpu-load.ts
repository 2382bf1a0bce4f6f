/** xen-cpu-avg-load: how many processors' worth of work each domain has had over the last ten minutes, from xentop. */

/** constants.CPUAVGLOAD_WINDOW_SIZE and XENTOP_AVERAGE_THRESHOLD, milliseconds. */
const windowMs = 600_000;
const thresholdMs = 100_000;
const millisecondsPerSecond = 1000;

export interface DomainSample {
  readonly time: number;
  /** Seconds of processor time since the domain's start. */
  readonly seconds: number;
}
/** Domain to its samples, newest first. */
export type DomainSamples = ReadonlyMap<string, readonly DomainSample[]>;

/** @throws RangeError for what isn't the output of `xentop -f -b -i 1` */
export function parseXentop(text: string): Map<string, number> {
  const [head, ...rows] = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[0] !== '');
  if (head === undefined) throw new RangeError('No output received');
  if (head.length < 3) throw new RangeError('Insufficient number of output columns');
  if (head[0] !== 'NAME' || head[2] !== 'CPU(sec)') throw new RangeError('Unexpected data format');
  return new Map(
    rows.flatMap(([name = '', , cpu]): [string, number][] =>
      name === 'Domain-0' || !/^\d+(\.\d+)?$/.test(cpu ?? '') ? [] : [[name, Number(cpu)]],
    ),
  );
}

/** A counter that has begun anew: what was before is moved so that the step between the two counts for nothing. */
function continued(sample: DomainSample, before: readonly DomainSample[]): DomainSample[] {
  const [last, ...older] = before;
  if (last === undefined || sample.seconds >= last.seconds) return [sample, ...before];
  const [later, less] = [sample.time - last.time, sample.seconds - last.seconds];
  return [sample, ...older.map(({ time, seconds }) => ({ time: time + later, seconds: seconds + less }))];
}

/** Domains that xentop no longer tells of go after a while. */
export function withDomains(
  samples: DomainSamples,
  now: number,
  seconds: ReadonlyMap<string, number>,
): DomainSamples {
  const names = new Set([...samples.keys(), ...seconds.keys()]);
  const result = new Map<string, readonly DomainSample[]>();
  for (const name of names) {
    const before = samples.get(name) ?? [];
    const used = seconds.get(name);
    const all = used === undefined ? before : continued({ time: now, seconds: used }, before);
    const kept = all.filter(({ time }) => now - time <= windowMs);
    if (kept.length > 0 && now - kept[0]!.time < thresholdMs) result.set(name, kept);
  }
  return result;
}

/** Only of domains that have been watched for long enough. */
export function domainLoads(samples: DomainSamples): Readonly<Record<string, number>> {
  const loads = [...samples].flatMap(([name, of]): [string, number][] => {
    const [newest, oldest] = [of[0]!, of.at(-1)!];
    const elapsed = newest.time - oldest.time;
    if (elapsed < thresholdMs) return [];
    return [[name, (millisecondsPerSecond * (newest.seconds - oldest.seconds)) / elapsed]];
  });
  return Object.fromEntries(loads.sort(([a], [b]) => (a < b ? -1 : 1)));
}
