import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { MemoryRegistry } from "./memory-registry.ts";
import { reportPublications } from "./report-publications.ts";

const settled = () => new Promise(setImmediate);

test("a process says how much it publishes until it is stopped, and is forgotten when it says nothing", async () => {
  const clock = new ManualClock();
  const registry = new MemoryRegistry(clock);
  let rate = 1;
  const stop = reportPublications({ registry, process: "admin", perSecond: async () => rate++, clock });
  const said = async (): Promise<unknown> => (await registry.figures()).get("admin")?.publicationsPerSecond;
  await settled();
  expect(await said()).toBe(1);
  clock.advance(2_000);
  await settled();
  expect(await said()).toBe(2);
  stop();
  expect(clock.pending).toBe(0);
  clock.advance(6_000);
  expect(await said()).toBeUndefined();
});

test("a process goes on saying it when the registry could not be reached", async () => {
  const clock = new ManualClock();
  let tries = 0;
  const report = async (): Promise<void> => {
    if (++tries === 1) throw new Error("away");
  };
  reportPublications({ registry: { report }, process: "admin", perSecond: async () => 0, clock });
  await settled();
  clock.advance(2_000);
  await settled();
  expect(tries).toBe(2);
});
