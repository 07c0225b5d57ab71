import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { type Beating, Heartbeats } from "./heartbeats.ts";

function started() {
  const clock = new ManualClock();
  const heard: string[] = [];
  const connection: Beating = {
    hasRefreshedPingTimeout: false,
    sendPacket: (type) => void heard.push(type),
    onClose: (reason) => void heard.push(reason),
  };
  const beats = new Heartbeats(clock, 25_000, 20_000);
  beats.begin(connection);
  return { clock, heard, connection, beats };
}

test("a connection is asked at intervals, counted from its answers", () => {
  const { clock, heard, connection, beats } = started();
  clock.advance(25_000);
  expect(heard).toEqual(["ping"]);
  clock.advance(10_000);
  beats.answered(connection);
  clock.advance(24_999);
  expect(heard).toEqual(["ping"]);
  clock.advance(60);
  expect(heard).toEqual(["ping", "ping"]);
});

test("one that does not answer is closed", () => {
  const { clock, heard } = started();
  clock.advance(25_000 + 19_900);
  expect(heard).toEqual(["ping"]);
  clock.advance(200);
  expect(heard).toEqual(["ping", "ping timeout"]);
});

test("something else than the answer extends the wait for it, once", () => {
  const { clock, heard, connection, beats } = started();
  clock.advance(25_000 + 15_000);
  beats.heard(connection);
  clock.advance(10_000);
  beats.heard(connection);
  expect(heard).toEqual(["ping"]);
  clock.advance(10_100);
  expect(heard).toEqual(["ping", "ping timeout"]);
});

test("what is heard while no answer is due changes nothing", () => {
  const { clock, heard, connection, beats } = started();
  clock.advance(24_000);
  beats.heard(connection);
  clock.advance(1_100);
  expect(heard).toEqual(["ping"]);
});

test("a connection that has ended hears nothing more, and leaves no timer", () => {
  const { clock, heard, connection, beats } = started();
  clock.advance(25_000);
  beats.end(connection);
  clock.advance(100_000);
  expect(heard).toEqual(["ping"]);
  expect(clock.pending).toBe(0);
});
