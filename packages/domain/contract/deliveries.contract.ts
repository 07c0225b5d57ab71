import { type DeadLetter, type Deliveries, limits } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two admin processes see it. */
export interface DeliveriesWorld {
  readonly deliveries: readonly [Deliveries, Deliveries];
  close(): Promise<void>;
}

const longMs = 60_000;
const deadLetter = (id: string): DeadLetter => ({
  id,
  at: 5,
  tries: 8,
  error: 'status 500 "ü"',
  events: [{ id, type: "connected", at: 1, node: "a", connection: "x", user: null }],
});

/** The law of {@link Deliveries}. */
export function deliveriesContract(open: () => Promise<DeliveriesWorld>): void {
  describe("every account of deliveries", () => {
    let world: DeliveriesWorld;
    let one: Deliveries;
    let other: Deliveries;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.deliveries;
    });
    afterEach(() => world.close());
    const listed = async () => (await other.dead({ limit: 1_000 })).items;

    test("is led by one at a time, who may lead on, and by another once that has resigned or its lease is over", async () => {
      expect(await one.lead("a", longMs)).toEqual({ after: undefined });
      expect(await other.lead("b", longMs)).toBeUndefined();
      expect(await one.lead("a", longMs)).toEqual({ after: undefined });
      await other.resign("b");
      expect(await other.lead("b", longMs)).toBeUndefined();
      await one.resign("a");
      expect(await other.lead("b", 100)).toEqual({ after: undefined });
      await until(async () => ((await one.lead("a", longMs)) === undefined ? "still led by the other" : undefined));
    });

    test("goes on where the former leader was, who then changes nothing", async () => {
      await one.lead("a", longMs);
      expect(await one.advance("a", "7-1")).toBe(true);
      await one.resign("a");
      expect(await other.lead("b", longMs)).toEqual({ after: "7-1" });
      expect(await one.advance("a", "8-0", deadLetter("8-0"))).toBe(false);
      expect(await other.lead("b", longMs)).toEqual({ after: "7-1" });
      expect(await listed()).toEqual([]);
    });

    test("keeps what could not be delivered, oldest first, in pages, once", async () => {
      await one.lead("a", longMs);
      for (const id of ["10-0", "9-0", "10-2", "9-11", "9-0"]) await one.advance("a", id, deadLetter(id));
      const ids = ["9-0", "9-11", "10-0", "10-2"];
      expect(await listed()).toEqual(ids.map(deadLetter));
      const first = await other.dead({ limit: 3 });
      const second = await other.dead({ limit: 3, after: first.next });
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
      expect(second.next).toBeUndefined();
    });

    test("gives those back that are to be tried again, until they are delivered or have failed again", async () => {
      await one.lead("a", longMs);
      for (const id of ["1-0", "2-0"]) await one.advance("a", id, deadLetter(id));
      expect(await one.due()).toBeUndefined();
      expect(await other.revive(["1-0", "nobody"])).toBe(1);
      expect(await one.due()).toEqual(deadLetter("1-0"));
      await one.bury({ ...deadLetter("1-0"), tries: 9 });
      expect(await one.due()).toBeUndefined();
      expect((await listed())[0]?.tries).toBe(9);
      expect(await other.revive(undefined)).toBe(2);
      for (const id of ["1-0", "2-0"]) {
        expect((await one.due())?.id).toBe(id);
        await one.settle(id);
        await one.settle(id);
      }
      expect([await one.due(), await listed()]).toEqual([undefined, []]);
      await one.bury(deadLetter("1-0"));
      expect(await listed()).toEqual([]);
    });

    test("forgets the oldest of too many", async () => {
      await one.lead("a", longMs);
      for (let at = 0; at <= limits.deadLettersMax; at += 100) {
        const some = Array.from({ length: Math.min(100, limits.deadLettersMax + 1 - at) }, (_, index) => `${at + index}-0`);
        await Promise.all(some.map((id) => one.advance("a", id, deadLetter(id))));
      }
      const { items } = await other.dead({ limit: 1 });
      expect(items.map(({ id }) => id)).toEqual(["1-0"]);
    });
  });
}
