import { expect, test } from "vitest";
import { tellDegradation } from "./degradation.ts";

function scene() {
  let now = 0;
  let task = (): void => undefined;
  const state = { flowing: true };
  const told: string[] = [];
  const stop = tellDegradation({
    clock: {
      now: () => now,
      monotonic: () => now,
      after(_, next) {
        task = next;
        return () => {
          task = () => undefined;
        };
      },
    },
    flowing: () => state.flowing,
    tell: (notice) => told.push(notice),
  });
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end; ) {
      now += 500;
      task();
    }
  };
  return { state, told, pass, stop };
}

test("a blink is not told", () => {
  const { state, told, pass } = scene();
  state.flowing = false;
  pass(1_500);
  state.flowing = true;
  pass(5_000);
  expect(told).toEqual([]);
});

test("an outage is told once, and once that it is over", () => {
  const { state, told, pass } = scene();
  state.flowing = false;
  pass(20_000);
  expect(told).toEqual(["fanfare:degraded"]);
  state.flowing = true;
  pass(20_000);
  expect(told).toEqual(["fanfare:degraded", "fanfare:restored"]);
  state.flowing = false;
  pass(20_000);
  expect(told).toHaveLength(3);
});

test("after its end nothing is told", () => {
  const { state, told, pass, stop } = scene();
  stop();
  state.flowing = false;
  pass(20_000);
  expect(told).toEqual([]);
});
