import { expect, test } from "vitest";
import { FlushWindow } from "./flush-window.ts";

/** Flushes that take `tookMs`, with `gapMs` of rest before each: what each is waited for. */
function waits(window: FlushWindow, count: number, tookMs: number, gapMs: number, publications = 1): number[] {
  let nowMs = 1_000;
  return Array.from({ length: count }, () => {
    nowMs += gapMs;
    const waitMs = window.wait(nowMs, publications);
    window.flushed(nowMs + waitMs, nowMs + waitMs + tookMs);
    nowMs += waitMs + tookMs;
    return waitMs;
  });
}

test("a node that keeps up waits for nothing", () => {
  expect(waits(new FlushWindow(5), 4, 4, 6)).toEqual([0, 0, 0, 0]);
});

test("a node that hardly rests waits longer and longer, and no longer than it may", () => {
  expect(waits(new FlushWindow(5), 6, 4, 1)).toEqual([0, 1, 2, 4, 5, 5]);
});

test("where many publications are joined anyway, the wait grows to three fifths of that", () => {
  expect(waits(new FlushWindow(5), 6, 4, 1, 3)).toEqual([0, 1, 2, 3, 3, 3]);
  expect(waits(new FlushWindow(5), 6, 4, 1, 2)).toEqual([0, 1, 2, 4, 5, 5]);
});

test("when the load is gone the wait is gone soon", () => {
  const window = new FlushWindow(5);
  waits(window, 6, 4, 1);
  expect(waits(window, 4, 4, 50)).toEqual([2.5, 1.25, 0, 0]);
});

test("flushes that cost next to nothing are no load, however close together", () => {
  expect(waits(new FlushWindow(5), 4, 0.1, 0)).toEqual([0, 0, 0, 0]);
});

test("with 0 nothing is ever waited for", () => {
  expect(waits(new FlushWindow(0), 4, 4, 0)).toEqual([0, 0, 0, 0]);
});
