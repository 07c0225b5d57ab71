import { systemClock } from "@fanfare/domain";
import { expect, test } from "vitest";
import { Pauses } from "./pauses.ts";

test("a pause takes its time, and all that are under way end when they are cut short", async () => {
  const pauses = new Pauses(systemClock);
  await pauses.pause(1);
  const startedMs = performance.now();
  const both = Promise.all([pauses.pause(60_000), pauses.pause(60_000)]);
  pauses.cutShort();
  await both;
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  pauses.cutShort();
  await pauses.pause(1);
});
