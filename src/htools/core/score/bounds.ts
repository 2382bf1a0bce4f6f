/**
 * A lower bound of a figure's share of the score that is a sum over the nodes that change. A figure is
 * w·sqrt(V/n), V the sum of squared deviations; where V can't change much the bound is the tangent less its
 * greatest curvature, else the chord. A search can then add up what each node contributes and leave out at
 * once what can't beat the best found.
 */

/** share ≥ offset + slope·change − curve·(first² + second²), for change = first + second. */
export interface Bound {
  readonly offset: number;
  readonly slope: number;
  readonly curve: number;
}

/**
 * @param squares V before the change
 * @param factor w/sqrt(n)
 * @param decrease the most that V can shrink
 * @param increase the most that V can grow
 */
export function boundOf(squares: number, factor: number, decrease: number, increase: number): Bound {
  const low = squares - decrease;
  if (squares > 0 && low >= 0.25 * squares) {
    const slope = factor / (2 * Math.sqrt(squares));
    // Half of |second derivative| at the low end, doubled because (a+b)² ≤ 2a² + 2b².
    const curve = factor / (4 * low * Math.sqrt(low));
    return { offset: factor * Math.sqrt(squares), slope, curve };
  }
  const from = Math.max(0, low);
  const to = squares + increase;
  const atLow = factor * Math.sqrt(from);
  if (!(to > from)) return { offset: atLow, slope: 0, curve: 0 };
  const slope = (factor * Math.sqrt(to) - atLow) / (to - from);
  return { offset: atLow + slope * (squares - from), slope, curve: 0 };
}

/**
 * What one side of a change contributes to the bound: `part` is its change of V without the shift of the
 * mean, `shift` its change of the plain sum.
 */
export function sideBound(bound: Bound, part: number, shift: number, count: number): number {
  const meanShift = (shift * shift) / count;
  const magnitude = Math.abs(part - meanShift) + meanShift;
  return bound.slope * (part - 2 * meanShift) - bound.curve * magnitude * magnitude;
}
