/** Numbers as they are reported: spreads, and whether a target was met. */

export function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export const median = (values: readonly number[]) => at(values, 0.5);

export interface Target {
  readonly limit: number;
  readonly better: 'lower' | 'higher';
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly detail?: string;
  readonly target?: Target;
  /** The same of real Ganeti in this run. */
  readonly ganeti?: number;
}

export function isMet({ value, target }: Figure): boolean {
  if (target === undefined) return true;
  return target.better === 'lower' ? value <= target.limit : value >= target.limit;
}

const digits = (value: number) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
const show = (value: number, unit: string) => `${value.toFixed(digits(value))} ${unit}`;

/** One line a figure: value, target, real Ganeti's value and the ratio. */
export function line(figure: Figure): string {
  const { name, unit, value, target, ganeti, detail } = figure;
  const ratio = ganeti === undefined ? 0 : target?.better === 'higher' ? value / ganeti : ganeti / value;
  return [
    name.padEnd(44),
    show(value, unit).padEnd(14),
    (target === undefined ? '' : `${target.better === 'lower' ? '≤' : '≥'} ${target.limit} ${unit}`).padEnd(
      14,
    ),
    (isMet(figure) ? (target === undefined ? '' : 'met') : 'MISSED').padEnd(7),
    ganeti === undefined ? '' : `Ganeti ${show(ganeti, unit)}, ${ratio.toFixed(ratio < 10 ? 1 : 0)} times`,
    detail ?? '',
  ]
    .join(' ')
    .trimEnd();
}
