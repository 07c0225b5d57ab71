import { type Broker, channelName, defaultEvent, FanfareError, type Plan } from "@fanfare/domain";
import { ManualClock } from "@fanfare/test-support";
import { afterEach, beforeEach, expect, test } from "vitest";
import { quiet } from "../test/quiet.ts";
import { type Firing, fireScheduled } from "./fire-scheduled.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";
import { MemorySchedule } from "./memory-schedule.ts";

const retain = { count: 100, seconds: 3_600 };
const a = channelName("a");
const b = channelName("b");

let clock: ManualClock;
let schedule: MemorySchedule;
let broker: MemoryBroker;
let outcomes: string[];
let firings: Firing[];
beforeEach(() => {
  clock = new ManualClock();
  schedule = new MemorySchedule(clock);
  broker = new MemoryBroker({ cluster: "test", pubSub: new MemoryPubSub(), clock });
  outcomes = [];
  firings = [];
});
afterEach(() => {
  for (const firing of firings) firing.stop();
});

function start(overdueMs = 0, publisher: Pick<Broker, "publish"> = broker): Firing {
  const fired = (outcome: string) => void outcomes.push(outcome);
  const firing = fireScheduled({
    schedule,
    broker: publisher,
    rules: () => ({ retain, trace: true }),
    clock,
    fired,
    log: quiet,
    overdueMs,
  });
  firings.push(firing);
  return firing;
}

const settled = () => new Promise(setImmediate);
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    await settled();
  }
}

function plan(inMs: number, json = "1", content: Partial<Plan["content"]> = {}): Plan {
  return {
    at: clock.now() + inMs,
    channels: [a],
    content: { event: defaultEvent, payload: { json, binary: false }, ...content },
  };
}

async function stored(channel = a) {
  return (await broker.read(channel, { from: "after", offset: 0, limit: 100 }, retain)).publications;
}

test("each is published when its time has come, in the order of times, in all of its channels, and is then forgotten", async () => {
  start();
  await schedule.add({ ...plan(3_000, '"later"'), channels: [a, b] });
  await schedule.add(plan(2_500, '"sooner"', { id: "mine" }));
  await pass(2_400);
  expect(await stored()).toEqual([]);
  await pass(200);
  expect(await stored()).toMatchObject([{ payload: { json: '"sooner"' }, id: "mine" }]);
  await pass(500);
  expect((await stored()).map(({ payload }) => payload.json)).toEqual(['"sooner"', '"later"']);
  expect(await stored(b)).toHaveLength(1);
  expect(await schedule.page("", 10)).toEqual([]);
  await pass(10_000);
  expect(outcomes).toEqual(["stored", "stored", "stored"]);
});

test("what this process adds is published on time although it was looking elsewhere", async () => {
  const firing = start();
  await settled();
  await schedule.add(plan(100));
  firing.expect(100);
  await pass(120);
  expect(await stored()).toHaveLength(1);
});

test("of several processes one publishes it, and one that stands in leaves it to the others for a while", async () => {
  start(2_000);
  await schedule.add(plan(1_000));
  await pass(2_900);
  expect(await stored()).toEqual([]);
  await pass(1_200);
  expect(await stored()).toHaveLength(1);
  start();
  start();
  await schedule.add(plan(1_000));
  await pass(6_000);
  expect(outcomes).toEqual(["stored", "stored"]);
});

test("what one process has taken and lost is published by another, and not twice when it was stored already", async () => {
  await schedule.add({ ...plan(0), channels: [a, b] });
  const { plans } = await schedule.take({ overdueMs: 0, limit: 10, leaseMs: 5_000 });
  // It got as far as the first channel.
  await broker.publish({ ...plan(0).content, channel: a, id: `scheduled-${plans[0]?.scheduledId}` }, retain);
  start();
  await pass(6_500);
  expect(outcomes).toEqual(["duplicate", "stored"]);
  expect([await stored(), await stored(b)].map(({ length }) => length)).toEqual([1, 1]);
});

test("while the broker stores nothing it is tried again, and published once as soon as it can be", async () => {
  let away = true;
  start(0, {
    publish: (...call) => (away ? Promise.reject(new FanfareError("BROKER_UNAVAILABLE")) : broker.publish(...call)),
  });
  await schedule.add(plan(100));
  await pass(12_000);
  expect(outcomes.length).toBeGreaterThan(1);
  expect(new Set(outcomes)).toEqual(new Set(["failed"]));
  away = false;
  await pass(7_000);
  expect(outcomes.filter((outcome) => outcome === "stored")).toEqual(["stored"]);
  expect(await stored()).toHaveLength(1);
});

test("one whose id says something else meanwhile is given up", async () => {
  await broker.publish({ ...plan(0, "2").content, channel: a, id: "mine" }, retain);
  await schedule.add(plan(10, "1", { id: "mine" }));
  start();
  await pass(8_000);
  expect(outcomes).toEqual(["conflict"]);
  expect(await schedule.page("", 10)).toEqual([]);
  expect((await schedule.take({ overdueMs: 0, limit: 10, leaseMs: 1 })).plans).toEqual([]);
});
