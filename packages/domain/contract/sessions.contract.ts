import { channelName, type SessionRecord, type Sessions } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two nodes see it. */
export interface SessionsWorld {
  readonly sessions: readonly [Sessions, Sessions];
  close(): Promise<void>;
}

const longMs = 60_000;
const first = { node: "a", turn: 1 };
const record: SessionRecord = {
  id: "sid",
  user: "ada",
  channels: [
    [channelName("news"), { epoch: "e", offset: 7 }],
    [channelName("__proto__"), { epoch: "f", offset: 0 }],
  ],
  granted: [channelName("news")],
};

/** The law of {@link Sessions}. */
export function sessionsContract(open: () => Promise<SessionsWorld>): void {
  describe("every session store", () => {
    let world: SessionsWorld;
    let one: Sessions;
    let other: Sessions;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.sessions;
    });
    afterEach(() => world.close());

    test("gives nothing for a session that nobody saved", async () => {
      expect(await one.claim("p", "a", longMs)).toBeUndefined();
    });

    test("gives another node the record as it was saved, and who served it", async () => {
      expect(await one.save("p", record, first, longMs)).toBe(true);
      expect(await other.claim("p", "b", longMs)).toEqual({ record, owner: { node: "b", turn: 2 }, previousNode: "a" });
    });

    test("keeps what was saved last", async () => {
      await one.save("p", record, first, longMs);
      await one.save("p", { ...record, channels: [] }, first, longMs);
      expect((await other.claim("p", "b", longMs))?.record.channels).toEqual([]);
    });

    test("refuses what a former owner saves, and keeps what the new one saved", async () => {
      await one.save("p", record, first, longMs);
      const { owner } = (await other.claim("p", "b", longMs)) ?? { owner: first };
      expect(await other.save("p", { ...record, user: null }, owner, longMs)).toBe(true);
      expect(await one.save("p", record, first, longMs)).toBe(false);
      expect((await one.claim("p", "a", longMs))?.record.user).toBeNull();
    });

    test("gives two nodes that claim at once turns that follow each other", async () => {
      await one.save("p", record, first, longMs);
      const claims = await Promise.all([one.claim("p", "a", longMs), other.claim("p", "b", longMs)]);
      expect(claims.map((claimed) => claimed?.owner.turn).sort()).toEqual([2, 3]);
    });

    test("forgets a session whose life is over, unless somebody renewed it", async () => {
      await one.save("short", record, first, 20);
      await one.save("renewed", record, first, 500);
      await other.renew(["renewed", "never there"], longMs);
      await until(async () => ((await one.claim("short", "a", 1)) === undefined ? undefined : "still there"));
      expect(await one.claim("renewed", "a", longMs)).toBeDefined();
      expect(await one.claim("never there", "a", longMs)).toBeUndefined();
    });

    test("forgets a session that was ended, as often as it is said", async () => {
      await one.save("p", record, first, longMs);
      await other.end("p");
      await other.end("p");
      expect(await one.claim("p", "a", longMs)).toBeUndefined();
    });
  });
}
