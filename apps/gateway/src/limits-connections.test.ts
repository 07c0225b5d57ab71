import { MemoryQuotas } from "@fanfare/broker";
import { type Clock, FanfareError, type Quotas, systemClock } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SharedCount } from "./limits-connections.ts";

const log = { warn: () => undefined };

/** A clock that only moves when it is told to; what is due at once runs at once. */
class StillClock implements Clock {
  ms = 0;
  readonly #tasks = new Set<{ readonly atMs: number; readonly task: () => void }>();
  now = (): number => this.ms;
  monotonic = (): number => this.ms;
  after = (ms: number, task: () => void): (() => void) => {
    if (ms === 0) return systemClock.after(0, task);
    const entry = { atMs: this.ms + ms, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  };
  async pass(ms: number): Promise<void> {
    this.ms += ms;
    for (const entry of [...this.#tasks]) {
      if (entry.atMs > this.ms) continue;
      this.#tasks.delete(entry);
      entry.task();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Two nodes that count together, and how often the broker was asked. */
function twoNodes(max: number) {
  const clock = new StillClock();
  const shared = new MemoryQuotas(clock);
  const world = { calls: 0, away: false };
  const quotas: Quotas = {
    hold: async (...call) => {
      world.calls++;
      if (world.away) throw new FanfareError("BROKER_UNAVAILABLE");
      return shared.hold(...call);
    },
  };
  const counter = (node: string) => new SharedCount({ kind: "user", max, node, quotas, clock, log });
  return { world, clock, one: counter("a"), other: counter("b") };
}

const many = async (counter: SharedCount, count: number, key = "ada"): Promise<number> => {
  let entered = 0;
  for (let at = 0; at < count; at++) if (await counter.enter(key)) entered++;
  return entered;
};

test("the first few of everybody are let in without asking anybody", async () => {
  const { one, world } = twoNodes(500);
  for (let user = 0; user < 100; user++) for (let at = 0; at < 8; at++) expect(one.enter(`user${user}`)).toBe(true);
  expect(world.calls).toBe(0);
});

test("many of one key cost a call now and then", async () => {
  const { one, world } = twoNodes(500);
  expect(await many(one, 400)).toBe(400);
  expect(world.calls).toBeLessThan(20);
});

test("two nodes together let in no more than the maximum, and the few that are free on each", async () => {
  const { one, other } = twoNodes(500);
  const entered = (await many(one, 400)) + (await many(other, 400));
  expect(entered).toBeGreaterThan(450);
  expect(entered).toBeLessThanOrEqual(508);
});

test("a small limit is kept to the letter", async () => {
  const { one, other } = twoNodes(3);
  expect(await many(one, 2)).toBe(2);
  expect(await many(other, 2)).toBe(1);
  expect(await many(one, 1)).toBe(0);
});

test("all that ask at once get what there is, and no more", async () => {
  const { one, world } = twoNodes(10);
  const answers = await Promise.all(Array.from({ length: 30 }, () => one.enter("ada")));
  expect(answers.filter(Boolean)).toHaveLength(10);
  expect(world.calls).toBeLessThan(4);
});

test("whoever leaves makes room, on its own node at once and on another after a renewal", async () => {
  const { one, other, clock } = twoNodes(10);
  expect(await many(one, 11)).toBe(10);
  expect(one.isFull("ada")).toBe(true);
  for (let at = 0; at < 10; at++) one.leave("ada");
  await clock.pass(1_000);
  expect(one.isFull("ada")).toBe(false);
  expect(await many(other, 1)).toBe(0);
  await clock.pass(5_000);
  expect(await many(other, 11)).toBe(10);
});

test("what a silent node held is free after a while, and what a living one holds is not", async () => {
  const { one, other, clock } = twoNodes(10);
  expect(await many(one, 5)).toBe(5);
  for (let renewals = 0; renewals < 10; renewals++) await clock.pass(5_000);
  expect(await many(other, 10)).toBe(5);
  one.stop();
  for (let renewals = 0; renewals < 4; renewals++) await clock.pass(5_000);
  expect(await many(other, 10)).toBe(5);
});

test("however asking, leaving and renewing cross, nodes never have more than there is", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("one", "other"), fc.constantFrom("enter", "enter", "leave", "pass", "wait")), {
        maxLength: 120,
      }),
      async (steps) => {
        const world = twoNodes(7);
        const inside = { one: 0, other: 0 };
        const pending: Promise<void>[] = [];
        for (const [name, step] of steps as ["one" | "other", string][]) {
          const counter = world[name];
          if (step === "enter") {
            const entered = Promise.resolve(counter.enter("ada"));
            pending.push(
              entered.then((isIn) => {
                if (isIn) inside[name]++;
              }),
            );
          } else if (step === "leave" && inside[name] > 0) {
            inside[name]--;
            counter.leave("ada");
          } else if (step === "pass") await world.clock.pass(5_000);
          else await Promise.resolve();
          expect(inside.one + inside.other).toBeLessThanOrEqual(7);
        }
        await Promise.all(pending);
        expect(inside.one + inside.other).toBeLessThanOrEqual(7);
      },
    ),
    { numRuns: 300 },
  );
});

test("while the broker is away each node counts for itself", async () => {
  const { one, other, world } = twoNodes(10);
  world.away = true;
  expect(await many(one, 20)).toBe(10);
  expect(await many(other, 20)).toBe(10);
});

test("a key that is full is refused for a second without asking again", async () => {
  const { one, world, clock } = twoNodes(10);
  await many(one, 11);
  const { calls } = world;
  await many(one, 100);
  expect(world.calls).toBe(calls);
  await clock.pass(1_000);
  await many(one, 1);
  expect(world.calls).toBeLessThanOrEqual(calls + 1);
});

test("without a limit nothing is counted", async () => {
  const { one, world } = twoNodes(0);
  expect(await many(one, 10_000)).toBe(10_000);
  expect(world.calls).toBe(0);
  one.leave("ada");
});
