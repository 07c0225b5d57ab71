import fc from "fast-check";
import { expect, test } from "vitest";
import { median, pairedRatios, percentile, spreadOf } from "./statistics.ts";

const numbers = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 50 });

test("the median is the middle value, or the mean of the middle two, in whatever order they come", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 9, 1, 2])).toBe(5.5);
  expect(median([100, 20, 3])).toBe(20);
  expect(median([])).toBeNaN();
});

test("a percentile is a measured value that at least that share of all do not exceed, and no lower one is", () => {
  fc.assert(
    fc.property(numbers, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
      const found = percentile(values, share);
      expect(values).toContain(found);
      expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(share * values.length - 1e-9);
      expect(values.filter((value) => value < found).length).toBeLessThan(share * values.length + 1e-9);
    }),
  );
});

test("the p99 of a hundred values is the second largest, and of ten the largest", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred.slice(0, 10), 0.99)).toBe(10);
  expect(percentile([], 0.5)).toBeNaN();
});

test("a spread holds its median between its ends and leaves the values as they were", () => {
  const values = [3, 1, 2];
  expect(spreadOf(values)).toEqual({ median: 2, min: 1, max: 3, count: 3 });
  expect(values).toEqual([3, 1, 2]);
  expect(spreadOf([]).median).toBeNaN();
});

test("ratios pair runs of one repetition and pass over a repetition that one side lacks", () => {
  expect(pairedRatios([10, undefined, 30, 40], [5, 5, 60])).toEqual([2, 0.5]);
  expect(pairedRatios([1], [0])).toEqual([]);
});

test("load that meets both sides of a repetition leaves the median ratio alone", () => {
  const load = [1, 1, 3, 1, 2];
  const ratios = pairedRatios(
    load.map((factor) => 6 * factor),
    load.map((factor) => 4 * factor),
  );
  expect(spreadOf(ratios)).toMatchObject({ median: 1.5, min: 1.5, max: 1.5 });
});
