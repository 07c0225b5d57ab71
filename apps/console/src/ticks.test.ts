import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { around, nearest, stepOf, ticksOf, timeStepOf } from "./ticks.ts";

const places = (range: readonly [number, number], step: number) => ticksOf(range, step, String).map(({ at }) => at);

describe("the ticks of an axis", () => {
  test.each([
    [5, 5, 1],
    [100, 4, 50],
    [0.3, 3, 0.1],
    [1, 1, 1],
    [999, 3, 500],
  ])("a span of %d in at most %d parts has steps of %d", (span, parts, step) => {
    expect(stepOf(span, parts)).toBeCloseTo(step, 12);
  });

  test("stand at round numbers, without the noise of their sum, both ends included", () => {
    expect(places([0, 0.5], 0.1)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(places([953.2, 1_052], 20)).toEqual([960, 980, 1_000, 1_020, 1_040]);
    expect(places([-1, 1], 1)).toEqual([-1, 0, 1]);
  });

  test("of times are steps that a clock has", () => {
    expect(timeStepOf(60_000, 6)).toBe(10_000);
    expect(timeStepOf(600_000, 6)).toBe(120_000);
    expect(timeStepOf(600_000, 0)).toBe(600_000);
  });

  test("span any line in whole steps, few enough to be read, and never without height", () => {
    const finite = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(finite, finite, fc.integer({ min: 2, max: 12 }), (one, other, parts) => {
        const [min, max] = [Math.min(one, other), Math.max(one, other)];
        const { range, step } = around([min, max], parts);
        const slack = step * 1e-6;
        expect(range[0]).toBeLessThanOrEqual(min + slack);
        expect(range[1]).toBeGreaterThanOrEqual(max - slack);
        expect(range[1]).toBeGreaterThan(range[0]);
        expect((range[1] - range[0]) / step).toBeLessThanOrEqual(parts + 2 + 1e-6);
      }),
    );
  });
});

test("the point under the pointer is the nearest one", () => {
  expect(nearest([], 3)).toBeUndefined();
  expect([-5, 1.4, 1.6, 8, 99].map((wanted) => nearest([1, 2, 10], wanted))).toEqual([0, 0, 1, 2, 2]);
});
