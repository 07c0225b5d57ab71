/** The middle value; of an even number the mean of the middle two. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * The smallest value that at least `share` of all values do not exceed (nearest rank). It is always one that was measured,
 * so a p99 of few values is their maximum and not something made up between two. NaN of nothing.
 */
export function percentile(values: readonly number[], share: number): number {
  const rank = Math.ceil(share * values.length);
  return ascending(values)[Math.max(0, rank - 1)] ?? Number.NaN;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many values it is made of. */
  readonly count: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return {
    median: median(sorted),
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    count: sorted.length,
  };
}

/**
 * Ratios of runs that stood side by side, repetition by repetition: what loads the machine in one repetition loads both
 * runs of it. A repetition that either side lacks is left out.
 */
export function pairedRatios(ours: readonly (number | undefined)[], control: readonly (number | undefined)[]): number[] {
  return ours.flatMap((value, index) => {
    const other = control[index];
    return value === undefined || other === undefined || other === 0 ? [] : [value / other];
  });
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
