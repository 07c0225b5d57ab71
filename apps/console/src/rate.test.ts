import { describe, expect, test } from "vitest";
import { ratePerSecond } from "./rate.ts";

const tenHertz = Array.from({ length: 100 }, (_, index) => 1_000_000 + index * 100);
const newestAt = 1_009_900;

describe("the rate", () => {
  test("is right from the first replay on, whatever the browser's clock says", () => {
    expect(ratePerSecond(tenHertz, { at: newestAt, arrivedAt: 77 }, 77)).toBeCloseTo(10, 1);
  });

  test("measures streams whose window is shorter than the span", () => {
    const fast = tenHertz.map((at) => 1_000_000 + (at - 1_000_000) / 50);
    expect(ratePerSecond(fast, { at: 1_000_198, arrivedAt: 0 }, 0)).toBeCloseTo(500, 1);
  });

  test("reads steadily between two publications of a steady stream", () => {
    for (const sinceNewest of [0, 30, 60, 99]) {
      expect(ratePerSecond(tenHertz, { at: newestAt, arrivedAt: 0 }, sinceNewest)).toBeCloseTo(10, 5);
    }
  });

  test("falls to zero when nothing comes any more", () => {
    expect(ratePerSecond(tenHertz, { at: newestAt, arrivedAt: 0 }, 2_500)).toBeCloseTo(5, 1);
    expect(ratePerSecond(tenHertz, { at: newestAt, arrivedAt: 0 }, 60_000)).toBe(0);
  });

  test("is zero while there is nothing to measure", () => {
    expect(ratePerSecond([], { at: 0, arrivedAt: 0 }, 5)).toBe(0);
    expect(ratePerSecond([1_000], { at: 1_000, arrivedAt: 0 }, 0)).toBe(0);
  });
});
