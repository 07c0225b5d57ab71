import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { Deadlines } from "./deadlines.ts";

function started(ms = 1_000) {
  const clock = new ManualClock();
  const due: string[] = [];
  return { clock, due, deadlines: new Deadlines<string>(clock, ms, (item) => void due.push(item)) };
}

test("an item is due when its time is over, never before, and not twice", () => {
  const { clock, due, deadlines } = started();
  deadlines.add("a");
  clock.advance(999);
  expect(due).toEqual([]);
  clock.advance(1);
  expect(due).toEqual(["a"]);
  clock.advance(10_000);
  expect(due).toEqual(["a"]);
  expect(clock.pending).toBe(0);
});

test("an item that is added again waits anew", () => {
  const { clock, due, deadlines } = started();
  deadlines.add("a");
  deadlines.add("b");
  clock.advance(900);
  deadlines.add("a");
  clock.advance(150);
  expect(due).toEqual(["b"]);
  clock.advance(900);
  expect(due).toEqual(["b", "a"]);
});

test("an item that is deleted is not due, and one that is due may be added from within", () => {
  const { clock, due, deadlines } = started();
  deadlines.add("a");
  expect(deadlines.has("a")).toBe(true);
  expect(deadlines.delete("a")).toBe(true);
  expect(deadlines.delete("a")).toBe(false);
  clock.advance(2_000);
  expect(due).toEqual([]);

  const beats: number[] = [];
  const again: Deadlines<string> = new Deadlines(clock, 100, (item) => {
    beats.push(clock.monotonic());
    again.add(item);
  });
  again.add("beat");
  clock.advance(1_000);
  expect(beats).toHaveLength(10);
  again.close();
});

test("a thousand items need one timer, few of its calls, and none is more than a twentieth late", () => {
  const { clock, deadlines } = started();
  const lateMs: number[] = [];
  let calls = 0;
  const counting = {
    monotonic: () => clock.monotonic(),
    after: (ms: number, task: () => void) =>
      clock.after(ms, () => {
        calls++;
        task();
      }),
  };
  const dueAtMs = new Map<number, number>();
  const many = new Deadlines<number>(counting, 1_000, (item) => void lateMs.push(clock.monotonic() - (dueAtMs.get(item) ?? 0)));
  for (let item = 0; item < 1_000; item++) {
    many.add(item);
    dueAtMs.set(item, clock.monotonic() + 1_000);
    clock.advance(1);
  }
  expect(clock.pending).toBe(1);
  clock.advance(2_000);
  expect(lateMs).toHaveLength(1_000);
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(50);
  expect(calls).toBeLessThan(25);
  deadlines.close();
});

test("what waits can be called at once, and after the close nothing is due", () => {
  const { clock, due, deadlines } = started();
  deadlines.add("a");
  deadlines.flush();
  expect(due).toEqual(["a"]);
  deadlines.add("b");
  deadlines.close();
  clock.advance(5_000);
  expect(due).toEqual(["a"]);
  expect(clock.pending).toBe(0);
});
