import { expect, test } from "vitest";
import { FlushWindow } from "./flush-window.ts";

/** Flushes that take `tookMs`; the first publication after each comes `gapMs` later: what is waited for. */
function waits(window: FlushWindow, count: number, tookMs: number, gapMs: number): number[] {
  let nowMs = 1_000;
  return Array.from({ length: count }, () => {
    nowMs += gapMs;
    const waitMs = window.wait(nowMs);
    window.flushed(nowMs + waitMs, nowMs + waitMs + tookMs);
    nowMs += waitMs + tookMs;
    return waitMs;
  });
}

test("a node that keeps up waits for nothing", () => {
  expect(waits(new FlushWindow(5), 4, 4, 6)).toEqual([0, 0, 0, 0]);
});

test("a node that hardly rests waits for the rest that it lacks", () => {
  expect(waits(new FlushWindow(5), 3, 5, 0.5)).toEqual([0, 1.5, 1.5]);
});

test("however long a flush takes, nobody waits longer than allowed", () => {
  expect(waits(new FlushWindow(5), 3, 40, 0)).toEqual([0, 5, 5]);
});

test("when the load is gone the wait is gone", () => {
  const window = new FlushWindow(5);
  waits(window, 6, 5, 0);
  expect(waits(window, 3, 5, 50)).toEqual([0, 0, 0]);
});

test("flushes that cost next to nothing are no load, however close together", () => {
  expect(waits(new FlushWindow(5), 4, 0.1, 0)).toEqual([0, 0, 0, 0]);
});

test("with 0 nothing is ever waited for", () => {
  expect(waits(new FlushWindow(0), 4, 4, 0)).toEqual([0, 0, 0, 0]);
});
