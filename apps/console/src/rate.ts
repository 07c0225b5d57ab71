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
  const recent = times.filter((at) => at > clusterNow - spanMaxMs);
  const [first] = recent;
  const intervals = recent.length - 1;
  if (first === undefined || intervals === 0) return 0;
  const betweenMs = newest.at - first;
  // Silence counts from the moment at which the next one was due, so a steady stream reads steadily.
  const silentMs = Math.max(0, clusterNow - newest.at - betweenMs / intervals);
  return betweenMs + silentMs > 0 ? (intervals * 1_000) / (betweenMs + silentMs) : 0;
}
