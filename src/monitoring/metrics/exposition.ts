/**
 * Metrics as text: OpenMetrics 1.0 for who asks for it, the older format of Prometheus otherwise; they differ in the
 * names of counters and in the last line. Pure.
 */
import { type Family, type FamilyName, families } from './families.ts';

export type Labels = Readonly<Record<string, string | number>>;

interface Sample {
  readonly suffix: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramValue {
  /** Upper bounds, ascending, and how many were below or at each; without infinity. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/** Collects samples of the families that are known; anything else is a fault of the program. */
export class Metrics {
  readonly #samples = new Map<FamilyName, Sample[]>();

  #put(name: FamilyName, sample: Sample): void {
    const family: Family = families[name];
    const labels = Object.keys(sample.labels).filter((label) => label !== 'le');
    if (labels.length !== family.labels.length || !family.labels.every((label) => label in sample.labels))
      throw new RangeError(`${name} has the labels ${family.labels.join(', ')}`);
    const samples = this.#samples.get(name) ?? [];
    samples.push(sample);
    this.#samples.set(name, samples);
  }

  /** What can't be told (null, NaN) is left out. */
  add(name: FamilyName, value: number | null | undefined, labels: Labels = {}): void {
    if (value === null || value === undefined || Number.isNaN(value)) return;
    this.#put(name, { suffix: '', labels, value });
  }

  addHistogram(name: FamilyName, { bounds, counts, count, sum }: HistogramValue, labels: Labels = {}): void {
    bounds.forEach((bound, index) => {
      this.#put(name, { suffix: '_bucket', labels: { ...labels, le: bound }, value: counts[index] ?? 0 });
    });
    this.#put(name, { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count });
    this.#put(name, { suffix: '_sum', labels, value: sum });
    this.#put(name, { suffix: '_count', labels, value: count });
  }

  /** Everything that others have collected. */
  addAll(others: Metrics): void {
    for (const [name, samples] of others.families())
      this.#samples.set(name, [...(this.#samples.get(name) ?? []), ...samples]);
  }

  /** As it is now. */
  copy(): Metrics {
    const copy = new Metrics();
    copy.addAll(this);
    return copy;
  }

  /** Families in the order of their table. */
  *families(): IterableIterator<readonly [FamilyName, readonly Sample[]]> {
    for (const name of Object.keys(families) as FamilyName[]) {
      const samples = this.#samples.get(name);
      if (samples !== undefined) yield [name, samples];
    }
  }
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function shown(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function line(name: string, { suffix, labels, value }: Sample): string {
  const inside = Object.entries(labels).map(([label, text]) => `${label}="${escaped(String(text))}"`);
  return `${name}${suffix}${inside.length === 0 ? '' : `{${inside.join(',')}}`} ${shown(value)}\n`;
}

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/** Does the Accept header ask for OpenMetrics? */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  return accept?.includes('application/openmetrics-text') ?? false;
}

export function render(metrics: Metrics, openMetrics: boolean): string {
  let text = '';
  for (const [name, samples] of metrics.families()) {
    const { type, help } = families[name];
    const family = openMetrics && type === 'counter' ? name.replace(/_total$/, '') : name;
    text += `# HELP ${family} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${family} ${type}\n`;
    for (const sample of samples) text += line(name, sample);
  }
  return openMetrics ? `${text}# EOF\n` : text;
}
