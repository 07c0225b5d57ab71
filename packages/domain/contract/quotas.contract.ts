import type { Quotas } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two nodes see it. */
export interface QuotasWorld {
  readonly quotas: readonly [Quotas, Quotas];
  close(): Promise<void>;
}

const longMs = 60_000;

/** The law of {@link Quotas}. */
export function quotasContract(open: () => Promise<QuotasWorld>): void {
  describe("every store of quotas", () => {
    let world: QuotasWorld;
    beforeEach(async () => {
      world = await open();
    });
    afterEach(() => world.close());

    /** What node `a` or `b` holds of `key` after it has asked for so many of ten. */
    async function hold(node: "a" | "b", count: number, { key = "ada", kind = "user", lifeMs = longMs } = {}): Promise<number> {
      const [one, other] = world.quotas;
      const held = await (node === "a" ? one : other).hold(node, kind, new Map([[key, count]]), 10, lifeMs);
      expect([...held.keys()]).toEqual([key]);
      return held.get(key) ?? Number.NaN;
    }

    test("gives what is left, and never more than the maximum to all together", async () => {
      expect(await hold("a", 7)).toBe(7);
      expect(await hold("b", 7)).toBe(3);
      expect(await hold("a", 8)).toBe(7);
      expect(await hold("b", 50)).toBe(3);
    });

    test("lets a node keep what it holds, however often it says so", async () => {
      expect(await hold("a", 10)).toBe(10);
      expect(await hold("a", 10)).toBe(10);
      expect(await hold("b", 1)).toBe(0);
    });

    test("gives what one has given back to another", async () => {
      expect(await hold("a", 10)).toBe(10);
      expect(await hold("a", 4)).toBe(4);
      expect(await hold("b", 10)).toBe(6);
      expect(await hold("a", 0)).toBe(0);
      expect(await hold("b", 10)).toBe(10);
    });

    test("keeps keys and kinds apart", async () => {
      expect(await hold("a", 10)).toBe(10);
      expect(await hold("b", 10, { key: "bob" })).toBe(10);
      expect(await hold("b", 10, { kind: "address" })).toBe(10);
      expect(await hold("b", 10, { key: "__proto__" })).toBe(10);
    });

    test("answers many keys at once, each for itself", async () => {
      const [one, other] = world.quotas;
      await one.hold("a", "user", new Map([["k1", 9]]), 10, longMs);
      const wants = new Map(Array.from({ length: 1_200 }, (_, key) => [`k${key}`, 2]));
      const held = await other.hold("b", "user", wants, 10, longMs);
      expect(held.size).toBe(1_200);
      expect([held.get("k0"), held.get("k1"), held.get("k1199")]).toEqual([2, 1, 2]);
      expect((await one.hold("a", "user", new Map(), 10, longMs)).size).toBe(0);
    });

    test("two nodes that ask at once do not get more than there is", async () => {
      const held = await Promise.all([hold("a", 8), hold("b", 8)]);
      expect(held[0] + held[1]).toBe(10);
    });

    test("forgets what a node holds that says nothing any more", async () => {
      expect(await hold("a", 10, { lifeMs: 30 })).toBe(10);
      await until(async () => ((await hold("b", 10)) === 10 ? undefined : "the dead node still holds some"));
    });
  });
}
