import { openBackend } from "@fanfare/broker";
import { type Clock, FanfareError, type Registry } from "@fanfare/domain";
import { createLog } from "@fanfare/telemetry";
import { afterAll, expect, test } from "vitest";
import { latencyOf } from "./cluster-stats.ts";
import { everyMs, StatsKeeper } from "./stats-keeper.ts";

const log = createLog({ name: "test", level: "silent", pretty: false, destination: { write: () => undefined } });
const { registry, directory, close } = openBackend({ redisUrl: undefined, cluster: "test", log });
afterAll(() => close());

const idle = { websocket: 0, polling: 0, publicationsPerSecond: 0, deliveriesPerSecond: 0 };
const health = { cpuPercent: 1, loopDelayMs: 0, memoryBytes: 1, unsentBytes: 0, canaryAgeMs: 1 };

/** A clock that stands until a test lets it go on. */
function handClock(): Clock & { pass(): Promise<void> } {
  let nowMs = 1_000_000;
  let task = (): void => undefined;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(_ms, next) {
      task = next;
      return () => {
        task = () => undefined;
      };
    },
    async pass() {
      nowMs += everyMs;
      const before = task;
      before();
      while (task === before) await new Promise(setImmediate);
    },
  };
}

test("ten minutes are kept, oldest first, and what was while the broker was away is left out", async () => {
  const clock = handClock();
  let away = false;
  const watched: Registry = Object.create(registry, {
    figures: {
      value: async () => {
        if (away) throw new FanfareError("BROKER_UNAVAILABLE");
        return registry.figures();
      },
    },
  });
  const keeper = new StatsKeeper({ registry: watched, directory, clock });
  await registry.report("a", { ...idle, websocket: 3, health: { ...health, latencyMs: { p50: 1, p99: 9 } } }, 60_000);
  await clock.pass();
  expect(keeper.samples).toMatchObject([{ at: 1_002_000, websocket: 3, latencyMs: { p50: 1, p99: 9 } }]);
  away = true;
  await clock.pass();
  away = false;
  for (let index = 0; index < 299; index++) await clock.pass();
  expect(keeper.samples.map(({ at }) => at).slice(0, 2)).toEqual([1_002_000, 1_006_000]);
  await clock.pass();
  expect(keeper.samples[0]?.at).toBe(1_006_000);
  expect(keeper.samples).toHaveLength(300);
  expect(keeper.samples.at(-1)?.at).toBe(clock.now());
  keeper.stop();
});

test("of several nodes the middle half and the worst hundredth are told, of none nothing", () => {
  const said = (p50: number, p99: number) => ({ ...idle, health: { ...health, latencyMs: { p50, p99 } } });
  expect(latencyOf([said(5, 6), idle, said(1, 40), said(2, 3)])).toEqual({ p50: 2, p99: 40 });
  expect(latencyOf([idle, { ...idle, health: { ...health, latencyMs: null } }])).toBeNull();
});
