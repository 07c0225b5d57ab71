import { describe, expect, test } from "vitest";
import { judge, later, reasonToReset, wasSubscribed } from "./continuity.ts";

const at = (offset: number, epoch = "e1") => ({ epoch, offset });

describe("a publication is", () => {
  test.each([
    ["next to a listener that has no position yet", undefined, at(7), "next"],
    ["next when it has the following offset", at(7), at(8), "next"],
    ["ahead when offsets lie in between", at(7), at(9), "ahead"],
    ["stale when it has come before", at(7), at(7), "stale"],
    ["stale when it comes too late", at(7), at(3), "stale"],
    ["foreign when the log has started over, whatever its offset", at(7), at(8, "e2"), "foreign"],
  ] as const)("%s", (_, position, publication, verdict) => {
    expect(judge(position, publication)).toBe(verdict);
  });
});

test("of two positions the later one counts, and of two epochs the newer word", () => {
  expect(later(undefined, at(3))).toEqual(at(3));
  expect(later(at(7), at(3))).toEqual(at(7));
  expect(later(at(7), at(8))).toEqual(at(8));
  expect(later(at(7), at(3, "e2"))).toEqual(at(3, "e2"));
});

test("a position is taken from anything that has one, without what else that has", () => {
  expect(later(undefined, { ...at(3), channel: "prices" } as never)).toEqual(at(3));
});

describe("the answer to a subscribe", () => {
  const answered = (offset: number, { recovered = false, replayed = 0, epoch = "e1" } = {}) => ({
    epoch,
    offset,
    recovered,
    replayed,
  });

  test.each([
    ["all was replayed", { since: at(5) }, answered(8, { recovered: true, replayed: 3 }), false, undefined],
    ["there was nothing to replay", { since: at(8) }, answered(8, { recovered: true }), false, undefined],
    ["the log no longer reaches back, or it was in the channel", { since: at(5) }, answered(80), true, "trimmed"],
    ["the log started over", { since: at(5) }, answered(8, { epoch: "e2" }), true, "epoch_changed"],
    ["an older log has come back", { since: at(9) }, answered(8), true, "diverged"],
    ["the last few instead", { since: at(5), rewind: 2 }, answered(80, { replayed: 2 }), false, "trimmed"],
    ["nobody asked for the log", {}, answered(80), false, undefined],
    ["the last few of nothing", { rewind: 2 }, answered(0), false, undefined],
    ["it was in the channel, and was sent nothing", { since: at(5) }, answered(8, { recovered: true }), true, undefined],
    ["it was in the channel, of another epoch", { since: at(5) }, answered(5, { recovered: true, epoch: "e2" }), true, undefined],
    ["it was in the channel, of an older log", { since: at(5) }, answered(3, { recovered: true }), true, undefined],
    ["it was in the channel, and wanted the last few", { rewind: 2 }, answered(8), true, undefined],
  ] as const)("tells whether %s", (_, start, answer, subscribedBefore, reason) => {
    expect(wasSubscribed(start, answer)).toBe(subscribedBefore);
    expect(reasonToReset(start, answer)).toBe(reason);
  });
});
