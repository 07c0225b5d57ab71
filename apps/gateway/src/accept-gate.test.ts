import { expect, test } from "vitest";
import { AcceptGate } from "./accept-gate.ts";

/** How many of `tries` the gate lets in. */
function passes(gate: AcceptGate, tries: number): number {
  return Array.from({ length: tries }, () => gate.pass()).filter((passed) => passed).length;
}

test("a second's worth comes in at once, and then so many per second", () => {
  let nowMs = 0;
  const gate = new AcceptGate(100, { monotonic: () => nowMs });
  expect(passes(gate, 150)).toBe(100);
  expect(passes(gate, 10)).toBe(0);
  nowMs += 50;
  expect(passes(gate, 10)).toBe(5);
  nowMs += 500;
  expect(passes(gate, 100)).toBe(50);
});

test("a long quiet time does not save up more than a second's worth", () => {
  let nowMs = 0;
  const gate = new AcceptGate(10, { monotonic: () => nowMs });
  nowMs += 3_600_000;
  expect(passes(gate, 100)).toBe(10);
});

test("a rate of one lets one in each second", () => {
  let nowMs = 0;
  const gate = new AcceptGate(1, { monotonic: () => nowMs });
  const seconds = Array.from({ length: 5 }, () => {
    const count = passes(gate, 3);
    nowMs += 1_000;
    return count;
  });
  expect(seconds).toEqual([1, 1, 1, 1, 1]);
});
