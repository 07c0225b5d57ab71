import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Continuity, noContinuity, observe, startOver } from "./continuity.ts";

function hear(offsets: readonly number[], start: Continuity = noContinuity, epoch = "e"): Continuity {
  return offsets.reduce((state, offset) => observe(state, { epoch, offset }).state, start);
}

function counters({ missed, doubled, outOfOrder }: Continuity) {
  return { missed, doubled, outOfOrder };
}

describe("continuity", () => {
  test("starts to count at the first offset it hears", () => {
    const state = hear([901, 902, 903]);
    expect(counters(state)).toEqual({ missed: 0, doubled: 0, outOfOrder: 0 });
    expect(state).toMatchObject({ received: 3, last: 903 });
  });

  test("counts every offset of a gap as missed", () => {
    expect(counters(hear([1, 2, 6]))).toEqual({ missed: 3, doubled: 0, outOfOrder: 0 });
  });

  test("moves a late publication from missed to out of order", () => {
    expect(counters(hear([1, 2, 6, 4]))).toEqual({ missed: 2, doubled: 0, outOfOrder: 1 });
  });

  test("counts a late publication that comes again as doubled", () => {
    expect(counters(hear([1, 3, 2, 2]))).toEqual({ missed: 0, doubled: 1, outOfOrder: 1 });
  });

  test("calls a double not fresh, and everything else fresh", () => {
    const state = hear([1, 2, 4]);
    expect(observe(state, { epoch: "e", offset: 2 }).fresh).toBe(false);
    expect(observe(state, { epoch: "e", offset: 3 }).fresh).toBe(true);
    expect(observe(state, { epoch: "e", offset: 5 }).fresh).toBe(true);
  });

  test("counts what a new epoch began with as missed when nobody announced it", () => {
    expect(counters(hear([3], hear([8, 9], noContinuity, "old"), "new"))).toEqual({ missed: 2, doubled: 0, outOfOrder: 0 });
  });

  test("an announced start misses nothing and keeps the counters", () => {
    const state = hear([501, 502], startOver(hear([1, 1, 3])));
    expect(counters(state)).toEqual({ missed: 1, doubled: 1, outOfOrder: 0 });
  });

  test("a start from a known position notices when the very next publication is lost", () => {
    expect(counters(hear([12], startOver(noContinuity, { epoch: "e", offset: 10 })))).toMatchObject({ missed: 1 });
  });

  test("any shuffle of a whole run with doubles ends with nothing missed and each double counted", () => {
    const shuffle = fc
      .array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 })
      .chain((extra) => fc.shuffledSubarray([...run(30), ...extra], { minLength: 30 + extra.length }));
    fc.assert(
      fc.property(shuffle, (offsets) => {
        const state = hear(offsets);
        expect(state.received).toBe(30);
        expect(counters(state)).toMatchObject({ missed: 0, doubled: offsets.length - 30 });
      }),
    );
  });
});

function run(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}
