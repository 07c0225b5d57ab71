import type { StatsSample } from "@fanfare/domain";

/** What the charts show, and what an admin process remembers. */
const keptMs = 600_000;
/** Samples come every one to four seconds. Where none came for so long nobody saw what the cluster did, so no line is drawn. */
const apartMaxMs = 10_000;

/** In order, the last ten minutes, none twice: history and the feed overlap, and history fills in what the page has slept through. */
export function merged(before: readonly StatsSample[], more: readonly StatsSample[]): readonly StatsSample[] {
  const all = [...new Map([...before, ...more].map((sample) => [sample.at, sample])).values()].sort((a, b) => a.at - b.at);
  const newest = all.at(-1)?.at ?? 0;
  return all.filter(({ at }) => at > newest - keptMs);
}

/** A place on the time axis; without a sample it interrupts the lines. */
export interface Moment {
  readonly at: number;
  readonly sample?: StatsSample;
}

/** The samples, with one moment in the middle of each hole. */
export function momentsOf(samples: readonly StatsSample[]): readonly Moment[] {
  return samples.flatMap((sample, index) => {
    const { at } = sample;
    const before = samples[index - 1]?.at ?? at;
    const moment: Moment = { at, sample };
    return at - before > apartMaxMs ? [{ at: (before + at) / 2 }, moment] : [moment];
  });
}
