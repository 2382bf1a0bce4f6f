/** Ganeti's order of names (utils.NiceSort): runs of digits compare as numbers, case doesn't matter first. */

const chunk = /(\d+|\D+)/g;

/** Negative, zero or positive, as Array.sort wants it. */
export function compareNicely(left: string, right: string): number {
  const a = left.match(chunk) ?? [];
  const b = right.match(chunk) ?? [];
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const x = a[i]!;
    const y = b[i]!;
    if (x === y) continue;
    const bothNumbers = x.charCodeAt(0) <= 57 && y.charCodeAt(0) <= 57 && /^\d/.test(x) && /^\d/.test(y);
    const difference = bothNumbers ? Number(x) - Number(y) : 0;
    if (difference !== 0) return difference;
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

export function niceSort(names: Iterable<string>): string[] {
  return [...names].sort(compareNicely);
}
