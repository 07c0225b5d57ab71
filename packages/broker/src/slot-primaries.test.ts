import { expect, test } from "vitest";
import { SlotPrimaries } from "./slot-primaries.ts";
import type { ServerView } from "./view.ts";

const node = (id: string, epoch: number, ...slots: [number, number][]): ServerView => {
  return { id, host: id, port: 1, epoch, slots };
};

function knowing(slot: number, ...views: readonly (readonly ServerView[])[]): string | undefined {
  const primaries = new SlotPrimaries();
  primaries.want(slot);
  for (const view of views) primaries.learn(view);
  return primaries.of(slot)?.id;
}

const before = [node("a", 1, [0, 99]), node("b", 2, [100, 199]), node("c", 1)];
const after = [node("a", 1), node("b", 2, [100, 199]), node("c", 3, [0, 99])];

test("a slot's primary is the node that serves it, and nobody where nobody does", () => {
  expect([0, 99, 100, 199, 200].map((slot) => knowing(slot, before))).toEqual(["a", "a", "b", "b", undefined]);
});

test("a failover is learnt, and the view of a node that missed it leads nobody back", () => {
  expect(knowing(50, before, after)).toBe("c");
  expect(knowing(50, before, after, before)).toBe("c");
  expect(knowing(50, after, before)).toBe("c");
  expect(knowing(150, before, after, before)).toBe("b");
});

test("a view in which nobody serves a slot takes nothing away", () => {
  expect(knowing(50, before, [node("a", 9), node("b", 9)])).toBe("a");
});

test("a cluster that was made anew is believed, although its epochs are lower", () => {
  expect(knowing(50, after, [node("x", 1, [0, 16_383])])).toBe("x");
});

test("a slot that moved without a new epoch is followed", () => {
  expect(knowing(50, [node("a", 5, [0, 99]), node("b", 5)], [node("a", 5, [0, 49]), node("b", 5, [50, 99])])).toBe("b");
});

test("a node that comes back at another address is found there", () => {
  const primaries = new SlotPrimaries();
  primaries.want(50);
  primaries.learn(before);
  primaries.learn([{ ...node("a", 1, [0, 99]), host: "elsewhere" }]);
  expect(primaries.of(50)).toMatchObject({ id: "a", host: "elsewhere" });
});
