import { channelName, FanfareError } from "@fanfare/domain";
import { expect, test } from "vitest";
import { stoppedClock } from "../test/stopped-clock.ts";
import { Canary, canaryChannel } from "./canary.ts";

function aviary() {
  const clock = stoppedClock();
  const state = { away: false, deaf: false, sent: 0, lost: 0, lateMs: 0, took: [] as number[] };
  const canary: Canary = new Canary({
    clock,
    channel: canaryChannel("n1", 0, 1),
    broker: {
      async publish() {
        if (state.away) throw new FanfareError("BROKER_UNAVAILABLE");
        state.sent++;
        if (!state.deaf) clock.after(state.lateMs, () => canary.heard());
        return { kind: "stored", position: { epoch: "e", offset: state.sent } };
      },
    },
    listen: async () => {
      if (state.away) throw new FanfareError("BROKER_UNAVAILABLE");
    },
    returned: (tookMs) => state.took.push(tookMs),
    lost: () => state.lost++,
  });
  return { clock, state, canary };
}

test("a node is not ready before its first canary has come back, and is as long as they do", async () => {
  const { clock, state, canary } = aviary();
  expect(canary.alive).toBe(false);
  await clock.pass(60_000);
  expect(canary.alive).toBe(true);
  expect(state).toMatchObject({ lost: 0, sent: 13 });
});

test("a canary that was stored and is not heard raises the alarm, and soon the node is not ready", async () => {
  const { clock, state, canary } = aviary();
  await clock.pass(1_000);
  state.deaf = true;
  await clock.pass(9_000);
  expect(state.lost).toBeGreaterThan(0);
  expect(canary.alive).toBe(true);
  await clock.pass(10_000);
  expect(canary.alive).toBe(false);
  state.deaf = false;
  await clock.pass(5_000);
  expect(canary.alive).toBe(true);
});

test("while the broker is away there is no alarm, and readiness returns within a second or so of it", async () => {
  const { clock, state, canary } = aviary();
  await clock.pass(1_000);
  state.away = true;
  await clock.pass(30_000);
  expect(state.lost).toBe(0);
  expect(canary.alive).toBe(false);
  state.away = false;
  await clock.pass(1_100);
  expect(canary.alive).toBe(true);
});

test("a canary that starts while the broker is away begins to sing when it comes", async () => {
  const { clock, state, canary } = aviary();
  state.away = true;
  await clock.pass(10_000);
  state.away = false;
  await clock.pass(2_500);
  expect(canary.alive).toBe(true);
});

test("every partition has a canary's channel of its own", () => {
  const channels = Array.from({ length: 8 }, (_, partition) => canaryChannel("n1", partition, 8));
  expect(new Set(channels).size).toBe(8);
  for (const channel of channels) expect(channelName(channel)).toBe(channel);
});

test("it is told how long each canary took, and nothing of one that was lost", async () => {
  const { clock, state } = aviary();
  state.lateMs = 40;
  await clock.pass(5_500);
  expect(state.took).toEqual([40, 40]);
  state.deaf = true;
  await clock.pass(5_000);
  state.deaf = false;
  state.lateMs = 60;
  await clock.pass(5_000);
  expect(state.took).toEqual([40, 40, 60]);
});
