import { channelName, type LifecycleDraft, type LifecycleLog, lifecycleStart } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** One backend as two nodes see it. */
export interface LifecycleWorld {
  readonly logs: readonly [LifecycleLog, LifecycleLog];
  close(): Promise<void>;
}

const news = channelName("news");
const connected = (connection: string): LifecycleDraft => ({ type: "connected", at: 1, node: "a", connection, user: null });
const about = (type: LifecycleDraft["type"]): LifecycleDraft => ({ type, at: 1, node: "a", channel: news });

/** The law of {@link LifecycleLog}. */
export function lifecycleContract(open: () => Promise<LifecycleWorld>): void {
  describe("every lifecycle log", () => {
    let world: LifecycleWorld;
    let one: LifecycleLog;
    let other: LifecycleLog;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.logs;
    });
    afterEach(() => world.close());

    test("is empty at first", async () => {
      expect(await one.newest()).toBe(lifecycleStart);
      expect(await one.read(lifecycleStart, 10)).toEqual({ events: [], gap: false });
    });

    test("gives another node what was appended, in its order and to the letter, each under an id of its own", async () => {
      const drafts = [connected('x "ü\u0000'), about("node_joined"), { ...connected("__proto__"), reason: "" }];
      await one.append("a", "1", drafts);
      const { events, gap } = await other.read(lifecycleStart, 10);
      expect(events.map(({ id: _, ...draft }) => draft)).toEqual(drafts);
      expect(new Set(events.map(({ id }) => id)).size).toBe(3);
      expect([gap, await other.newest()]).toEqual([false, events.at(-1)?.id]);
    });

    test("is read in pages, and goes on where it ended", async () => {
      for (let batch = 0; batch < 3; batch++) await one.append("a", `${batch}`, [connected(`${batch}`), connected(`${batch}b`)]);
      const seen: unknown[] = [];
      for (let after = lifecycleStart; ; ) {
        const { events, gap } = await other.read(after, 4);
        expect(gap).toBe(false);
        if (events.length === 0) break;
        seen.push(...events.map(({ connection }) => connection));
        after = events.at(-1)?.id ?? after;
      }
      expect(seen).toEqual(["0", "0b", "1", "1b", "2", "2b"]);
    });

    test("has a batch once that is written again, and those of other writers beside it", async () => {
      await one.append("a", "1", [connected("x")]);
      await one.append("a", "1", [connected("x")]);
      await other.append("b", "1", [connected("y")]);
      await one.append("a", "2", [connected("z")]);
      const { events } = await one.read(lifecycleStart, 10);
      expect(events.map(({ connection }) => connection)).toEqual(["x", "y", "z"]);
    });

    test("is told once that a channel is occupied, and once that it is vacated", async () => {
      await one.append("a", "1", [about("channel_vacated"), about("channel_occupied"), about("channel_occupied")]);
      await other.append("b", "1", [about("channel_occupied")]);
      await other.append("b", "2", [about("channel_vacated")]);
      await one.append("a", "2", [about("channel_vacated"), about("channel_occupied")]);
      const { events } = await one.read(lifecycleStart, 10);
      expect(events.map(({ type }) => type)).toEqual(["channel_occupied", "channel_vacated", "channel_occupied"]);
    });

    test("says that there is a gap behind an event that it does not have, and gives what it has", async () => {
      await one.append("a", "1", [connected("x")]);
      const { events, gap } = await other.read("1-1", 10);
      expect([events.length, gap]).toEqual([1, true]);
      const newer = await other.read("999999999999999-0", 10);
      expect([newer.events.length, newer.gap]).toEqual([1, true]);
    });
  });
}
