import { EventEmitter } from "node:events";
import { anonymous } from "@fanfare/access";
import type { Clock } from "@fanfare/domain";
import { expect, test } from "vitest";
import { Expiry } from "./expiry.ts";
import type { ClientSocket } from "./session.ts";

const startMs = 1_800_000_000_000;

/** Seconds pass when the test says so; what happened is written down with the second in which it did. */
function watching() {
  let now = startMs;
  let task: (() => void) | undefined;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after(_, next) {
      task = next;
      return () => {
        task = undefined;
      };
    },
  };
  const events: [second: number, what: string, inMs?: number][] = [];
  const at = () => Math.floor((now - startMs) / 1_000);
  const expiry = new Expiry({
    clock,
    expiring: (socket, inMs) => events.push([at(), `${socket.id} expiring`, inMs]),
    expired: (socket) => events.push([at(), `${socket.id} expired`]),
  });
  /** The few members of a socket that it touches. */
  const socketOf = (id: string, lifeMs?: number): ClientSocket =>
    Object.assign(new EventEmitter(), {
      id,
      connected: true,
      data: { identity: { ...anonymous, ...(lifeMs === undefined ? {} : { expiresAt: now + lifeMs }) } },
    }) as unknown as ClientSocket;
  const seconds = (count: number, stepMs = 1_000) => {
    for (let n = 0; n < count; n++) {
      now += stepMs;
      task?.();
    }
  };
  return { expiry, events, socketOf, seconds, running: () => task !== undefined };
}

test("a client is told before its token expires and ended some seconds after it", () => {
  const { expiry, events, socketOf, seconds } = watching();
  expiry.watch(socketOf("hour", 3_600_000));
  seconds(3_700);
  expect(events.map(([, what]) => what)).toEqual(["hour expiring", "hour expired"]);
  const [[told = 0, , inMs], [ended]] = events as [[number, string, number], [number, string]];
  // From a minute to half a minute before, and a second for the tick.
  expect(told).toBeGreaterThanOrEqual(3_540);
  expect(told).toBeLessThanOrEqual(3_572);
  expect(inMs).toBe((3_600 - told) * 1_000);
  expect(ended).toBe(3_606);
});

test("a token of a few seconds is told after two thirds of them", () => {
  const { expiry, events, socketOf, seconds } = watching();
  expiry.watch(socketOf("brief", 6_000));
  seconds(20);
  expect(events).toEqual([
    [5, "brief expiring", 1_000],
    [12, "brief expired"],
  ]);
});

test("not all who came at once are told at once", () => {
  const { expiry, events, socketOf, seconds } = watching();
  for (let n = 0; n < 300; n++) expiry.watch(socketOf(`${n}`, 3_600_000));
  seconds(3_590);
  expect(events).toHaveLength(300);
  expect(new Set(events.map(([second]) => second)).size).toBeGreaterThan(20);
});

test("a refreshed one goes by its fresh token, longer or shorter, told or not", () => {
  const { expiry, events, socketOf, seconds } = watching();
  const socket = socketOf("a", 6_000);
  expiry.watch(socket);
  seconds(8);
  expect(events).toEqual([[5, "a expiring", 1_000]]);
  socket.data.identity = { ...anonymous, expiresAt: startMs + 600_000 };
  expiry.watch(socket);
  seconds(20);
  expect(events).toHaveLength(1);
  socket.data.identity = { ...anonymous, expiresAt: startMs + 31_000 };
  expiry.watch(socket);
  seconds(20);
  expect(events.map(([, what]) => what)).toEqual(["a expiring", "a expiring", "a expired"]);
  expect(socket.listenerCount("disconnect")).toBe(1);
});

test("who has no token is never looked at, who leaves is forgotten, and nothing runs when it has stopped", () => {
  const { expiry, events, socketOf, seconds, running } = watching();
  expiry.watch(socketOf("anonymous"));
  const socket = socketOf("leaves", 6_000);
  expiry.watch(socket);
  (socket as unknown as EventEmitter).emit("disconnect");
  seconds(30);
  expect(events).toEqual([]);
  expiry.stop();
  expect(running()).toBe(false);
});

test("a machine whose clock jumps ahead or back ends them all the same", () => {
  const { expiry, events, socketOf, seconds } = watching();
  expiry.watch(socketOf("a", 100_000));
  seconds(1, -50_000);
  seconds(1, 86_400_000);
  seconds(1, 1_000);
  expect(events.map(([, what]) => what)).toEqual(["a expiring", "a expired"]);
});
