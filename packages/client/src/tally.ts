import type { Position } from "@fanfare/domain";
import { judge } from "./continuity.ts";

/** What one subscription can say from offsets alone. In a working cluster all but `delivered` stay 0. */
export interface Counts {
  readonly delivered: number;
  /**
   * Offsets that were passed over and have not come. Those of publications that were not meant for this session (`except`)
   * are among them: it cannot know.
   */
  readonly missed: number;
  /** Publications that came again; dropped. */
  readonly doubled: number;
  /** Publications that came after a later one; dropped as well, and no longer counted as missed. */
  readonly outOfOrder: number;
}

/** A run of offsets that have not come, both ends included. */
interface Hole {
  readonly from: number;
  readonly to: number;
}

export interface Tally {
  readonly counts: Counts;
  readonly holes: readonly Hole[];
}

/** Holes remembered, newest kept; a publication that belongs into a forgotten one counts as doubled. */
const holesMax = 100;

export const nothingYet: Tally = { counts: { delivered: 0, missed: 0, doubled: 0, outOfOrder: 0 }, holes: [] };

/** The tally after the log has started over, or a part of it was given up: holes from before no longer compare. */
export function withoutHoles({ counts }: Tally): Tally {
  return { counts, holes: [] };
}

/** The tally after a publication has come to a listener at `position`, in the same epoch. */
export function counted({ counts, holes }: Tally, position: Position | undefined, publication: Position): Tally {
  const { offset } = publication;
  if (position === undefined || judge(position, publication) !== "stale") {
    const skipped = position === undefined ? 0 : offset - position.offset - 1;
    return {
      counts: { ...counts, delivered: counts.delivered + 1, missed: counts.missed + skipped },
      holes: skipped === 0 ? holes : [...holes, { from: offset - skipped, to: offset - 1 }].slice(-holesMax),
    };
  }
  const hole = holes.find(({ from, to }) => from <= offset && offset <= to);
  if (hole === undefined) return { counts: { ...counts, doubled: counts.doubled + 1 }, holes };
  const halves = [
    { from: hole.from, to: offset - 1 },
    { from: offset + 1, to: hole.to },
  ].filter(({ from, to }) => from <= to);
  return {
    counts: { ...counts, missed: counts.missed - 1, outOfOrder: counts.outOfOrder + 1 },
    holes: holes.flatMap((each) => (each === hole ? halves : [each])),
  };
}
