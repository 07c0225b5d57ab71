import { describe, expect, test } from "vitest";
import { type Delivered, judge, standsAt, type Verdict } from "./continuity.ts";

const delivered: Delivered = { epoch: "e", offset: 5, seq: 500 };
const unused: Delivered = { epoch: "e", offset: 0, seq: 0 };
const renewed: Delivered = { epoch: "f", offset: 0, seq: 900 };

describe("what an announcement means", () => {
  test.each<[Verdict, Delivered, string, number, number, number]>([
    ["next", delivered, "e", 6, 510, 500],
    ["next", unused, "e", 1, 510, 0],
    ["next", renewed, "f", 1, 910, 0],
    ["next", renewed, "f", 1, 910, 800],
    ["duplicate", delivered, "e", 5, 500, 400],
    ["duplicate", delivered, "e", 4, 400, 300],
    ["duplicate", delivered, "f", 1, 499, 0],
    ["gap", delivered, "e", 7, 520, 510],
    ["gap", unused, "e", 2, 520, 510],
    ["diverged", delivered, "e", 6, 520, 510],
    ["diverged", delivered, "e", 5, 520, 510],
    ["diverged", delivered, "e", 1, 520, 0],
    ["epoch", delivered, "f", 1, 510, 0],
    ["epoch", delivered, "f", 6, 510, 500],
  ])("%s: after %o comes %s:%i, seq %i behind %i", (verdict, from, epoch, offset, seq, previous) => {
    expect(judge(from, { epoch, offset, seq, previous })).toBe(verdict);
  });

  test("a channel without publications stands where the broker has it, whatever seq either remembers", () => {
    expect(standsAt(renewed, { epoch: "f", offset: 0, seq: 0 })).toBe(true);
    expect(standsAt(delivered, { epoch: "e", offset: 5, seq: 501 })).toBe(false);
  });
});
