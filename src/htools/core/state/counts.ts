/**
 * A bag of words with counts, for exclusion tags on a node and for (location, exclusion tag) pairs. Never
 * changed in place, so that an undone move puts the old bag back.
 */

export type Counts = ReadonlyMap<string, number>;

export const noCounts: Counts = new Map();

export function withWords(counts: Counts, words: readonly string[]): Counts {
  if (words.length === 0) return counts;
  const changed = new Map(counts);
  for (const word of words) changed.set(word, (changed.get(word) ?? 0) + 1);
  return changed;
}

export function withoutWords(counts: Counts, words: readonly string[]): Counts {
  if (words.length === 0) return counts;
  const changed = new Map(counts);
  for (const word of words) {
    const count = changed.get(word);
    if (count === undefined) continue;
    if (count > 1) changed.set(word, count - 1);
    else changed.delete(word);
  }
  return changed;
}

/** How many of what is counted are one too many: the sum of (count - 1). */
export function surplus(counts: Counts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count - 1;
  return sum;
}

export function hasAny(counts: Counts, words: readonly string[]): boolean {
  if (counts.size === 0) return false;
  return words.some((word) => counts.has(word));
}
