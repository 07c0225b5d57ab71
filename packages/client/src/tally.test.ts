import type { Position } from "@fanfare/domain";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { later } from "./continuity.ts";
import { counted, nothingYet, type Tally, withoutHoles } from "./tally.ts";

const at = (offset: number): Position => ({ epoch: "e", offset });

function hear(offsets: readonly number[], start?: number, tally: Tally = nothingYet): Tally {
  let position = start === undefined ? undefined : at(start);
  for (const offset of offsets) {
    tally = counted(tally, position, at(offset));
    position = later(position, at(offset));
  }
  return tally;
}

const counts = (...args: Parameters<typeof hear>) => hear(...args).counts;

describe("the tally", () => {
  test("begins at the first offset it hears", () => {
    expect(counts([901, 902, 903])).toEqual({ delivered: 3, missed: 0, doubled: 0, outOfOrder: 0 });
  });

  test("notices behind a known position that the very next publication is lost", () => {
    expect(counts([12], 10)).toMatchObject({ delivered: 1, missed: 1 });
  });

  test("counts every offset of a gap as missed", () => {
    expect(counts([1, 2, 6])).toMatchObject({ delivered: 3, missed: 3 });
  });

  test("moves a late publication from missed to out of order", () => {
    expect(counts([1, 2, 6, 4])).toEqual({ delivered: 3, missed: 2, doubled: 0, outOfOrder: 1 });
  });

  test("counts a late publication that comes again as doubled", () => {
    expect(counts([1, 3, 2, 2])).toMatchObject({ missed: 0, doubled: 1, outOfOrder: 1 });
  });

  test("keeps its counts when the log starts over, and no hole of the former one", () => {
    expect(counts([1], undefined, withoutHoles(hear([1, 1, 3])))).toMatchObject({ missed: 1, doubled: 1, outOfOrder: 0 });
  });

  test("ends any shuffle of a whole run, doubles included, with nothing missed and each double counted", () => {
    const run = Array.from({ length: 30 }, (_, index) => index + 1);
    const shuffle = fc
      .array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 })
      .chain((extra) => fc.shuffledSubarray([...run, ...extra], { minLength: 30 + extra.length }));
    fc.assert(
      fc.property(shuffle, (offsets) => {
        const { delivered, missed, doubled, outOfOrder } = counts(offsets, 0);
        expect({ all: delivered + outOfOrder, missed, doubled }).toEqual({ all: 30, missed: 0, doubled: offsets.length - 30 });
      }),
    );
  });
});
