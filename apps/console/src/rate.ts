/** Publications older than this no longer count. */
const spanMaxMs = 5_000;

/** The newest publication: when it was made by the cluster's clock, and when it came by ours. */
export interface Newest {
  readonly at: number;
  readonly arrivedAt: number;
}

/**
 * Publications a second over the last moments, by publish time: a replayed burst counts as what it was. The two clocks are
 * never compared, so their difference does not matter.
 */
export function ratePerSecond(times: readonly number[], newest: Newest, now: number): number {
  const clusterNow = newest.at + (now - newest.arrivedAt);
  const oldest = times[0];
  if (oldest === undefined) return 0;
  const spanMs = Math.min(spanMaxMs, clusterNow - oldest);
  if (spanMs <= 0) return 0;
  // The one at the span's beginning belongs to the interval before it.
  return (times.filter((at) => at > clusterNow - spanMs).length * 1_000) / spanMs;
}
