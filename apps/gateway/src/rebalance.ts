/** What a node knows when it asks itself whether it has too many connections. */
export interface LoadView {
  /** Connections of this node now. */
  readonly own: number;
  /** Those of all nodes that take clients, as they last said, this one among them. */
  readonly ready: readonly number[];
  /** Whether a node is draining: its clients are on their way, and the picture changes by itself. */
  readonly draining: boolean;
}

export interface RebalanceLimits {
  /** A node with no more connections than this gives none away: so few are uneven by chance. */
  readonly floor: number;
  /** What it may give away in one round. */
  readonly perRound: number;
}

/** What is kept from one round to the next. */
export interface RebalanceState {
  /** Rounds in a row in which the node was far above the mean. */
  readonly above: number;
  readonly shedding: boolean;
}

export const balanced: RebalanceState = { above: 0, shedding: false };

/** In percent of the mean: begins above the one and ends at the other. Between the two nothing begins, so nothing swings. */
const beginAt = 125;
const endAt = 110;
/** For so many rounds in a row, because for a moment after a deploy or a node's death the picture is always uneven. */
const roundsBefore = 4;

/** How many connections a node gives away in this round, if it is far above the mean of those that take clients. */
export function rebalance(
  { above, shedding }: RebalanceState,
  { own, ready, draining }: LoadView,
  { floor, perRound }: RebalanceLimits,
): RebalanceState & { readonly shed: number } {
  if (draining || ready.length < 2) return { ...balanced, shed: 0 };
  const mean = ready.reduce((sum, connections) => sum + connections, 0) / ready.length;
  const until = Math.max(floor, Math.ceil((mean * endAt) / 100));
  if (own <= until) return { ...balanced, shed: 0 };
  const rounds = own * 100 > mean * beginAt ? above + 1 : 0;
  if (!shedding && rounds < roundsBefore) return { above: rounds, shedding: false, shed: 0 };
  return { above: rounds, shedding: true, shed: Math.min(perRound, own - until) };
}
