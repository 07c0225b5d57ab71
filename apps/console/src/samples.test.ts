import type { StatsSample } from "@fanfare/domain";
import { expect, test } from "vitest";
import { merged, momentsOf } from "./samples.ts";

const sample = (at: number): StatsSample => ({
  at,
  nodes: 1,
  websocket: 0,
  polling: 0,
  publicationsPerSecond: 0,
  deliveriesPerSecond: 0,
  latencyMs: null,
});
const samples = (...ats: number[]) => ats.map(sample);
const timesOf = (of: readonly { at: number }[]) => of.map(({ at }) => at);

test("what comes late finds its place, and what comes again is there once", () => {
  const seen = merged(samples(1_000, 2_000), samples(9_000));
  expect(timesOf(merged(seen, samples(2_000, 4_000, 6_000, 9_000)))).toEqual([1_000, 2_000, 4_000, 6_000, 9_000]);
});

test("what is ten minutes older than the newest sample is forgotten, however late it comes", () => {
  expect(timesOf(merged(samples(1_000, 601_000), samples(999, 1_001)))).toEqual([1_001, 601_000]);
});

test("a hole of more than ten seconds interrupts the lines, in its middle", () => {
  expect(momentsOf(samples(0, 4_000, 14_000, 24_001))).toEqual([
    { at: 0, sample: sample(0) },
    { at: 4_000, sample: sample(4_000) },
    { at: 14_000, sample: sample(14_000) },
    { at: 19_000.5 },
    { at: 24_001, sample: sample(24_001) },
  ]);
  expect(momentsOf([])).toEqual([]);
});
