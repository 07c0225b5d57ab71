import type { Position } from "@fanfare/domain";

/** A run of offsets that have not come, both ends included. */
interface Hole {
  readonly from: number;
  readonly to: number;
}

/**
 * What one listener can say about a channel from offsets alone: publications that never came, came twice, or came after a
 * later one. In a working cluster the three counters stay 0.
 */
export interface Continuity {
  readonly epoch: string;
  /** Lowest and highest offset that counts as seen; `last` is undefined before there is a place to count from. */
  readonly first: number;
  readonly last: number | undefined;
  /** Different publications received. */
  readonly received: number;
  /** Offsets skipped and not yet come. One that comes after all moves from here to `outOfOrder`. */
  readonly missed: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly holes: readonly Hole[];
}

/** Holes remembered, newest kept; a publication that fills a forgotten one counts as doubled. */
const holesMax = 100;

export const noContinuity: Continuity = {
  epoch: "",
  first: 0,
  last: undefined,
  received: 0,
  missed: 0,
  doubled: 0,
  outOfOrder: 0,
  holes: [],
};

/** Counts on from `position`, or from whatever comes next: for a start the server has announced, so nothing is missed by it. */
export function startOver(state: Continuity, position?: Position): Continuity {
  const offset = position?.offset;
  return { ...state, epoch: position?.epoch ?? "", first: (offset ?? 0) + 1, last: offset, holes: [] };
}

export interface Observation {
  readonly state: Continuity;
  /** False for a double, which must not be shown again. */
  readonly fresh: boolean;
}

export function observe(state: Continuity, { epoch, offset }: Position): Observation {
  if (state.last === undefined) {
    return fresh({ ...state, epoch, first: offset, last: offset });
  }
  if (epoch !== state.epoch) {
    // Offsets of an epoch start at 1, and nobody said that we would join it late.
    return fresh(skip({ ...state, epoch, first: 1, last: offset, holes: [] }, 1, offset - 1));
  }
  if (offset > state.last) return fresh(skip({ ...state, last: offset }, state.last + 1, offset - 1));
  if (offset < state.first) {
    const late = { ...state, first: offset, outOfOrder: state.outOfOrder + 1 };
    return fresh(skip(late, offset + 1, state.first - 1));
  }
  const hole = state.holes.find(({ from, to }) => from <= offset && offset <= to);
  if (hole === undefined) return { state: { ...state, doubled: state.doubled + 1 }, fresh: false };
  const halves = [
    { from: hole.from, to: offset - 1 },
    { from: offset + 1, to: hole.to },
  ].filter(({ from, to }) => from <= to);
  return fresh({
    ...state,
    missed: state.missed - 1,
    outOfOrder: state.outOfOrder + 1,
    holes: state.holes.flatMap((each) => (each === hole ? halves : [each])),
  });
}

function fresh(state: Continuity): Observation {
  return { state: { ...state, received: state.received + 1 }, fresh: true };
}

function skip(state: Continuity, from: number, to: number): Continuity {
  if (from > to) return state;
  return { ...state, missed: state.missed + (to - from + 1), holes: [...state.holes, { from, to }].slice(-holesMax) };
}
