import { type Channel, channelName, type Directory, type NodeRecord } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two nodes see it. */
export interface DirectoryWorld {
  readonly directories: readonly [Directory, Directory];
  close(): Promise<void>;
}

const longMs = 60_000;
const news = channelName("news");
const sport = channelName("sport");

/** The law of {@link Directory}. */
export function directoryContract(open: () => Promise<DirectoryWorld>): void {
  describe("every directory", () => {
    let world: DirectoryWorld;
    let one: Directory;
    let other: Directory;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.directories;
    });
    afterEach(() => world.close());

    test("is empty at first", async () => {
      expect(await one.nodes()).toEqual([]);
      expect(await one.subscribers(news)).toBe(0);
    });

    test("answers new to a first renewal and renewed to the following", async () => {
      expect(await one.renew(recordOf("a"), counts(), longMs)).toBe("new");
      expect(await one.renew(recordOf("a"), counts(), longMs)).toBe("renewed");
      expect(await other.renew(recordOf("b"), counts(), longMs)).toBe("new");
    });

    test("lists nodes by name, with what they said last", async () => {
      for (const node of ["c", "a", "b"]) await one.renew(recordOf(node), counts(), longMs);
      const changed = { ...recordOf("b"), connections: 7, state: "draining" as const };
      await one.renew(changed, counts(), longMs);
      expect(await other.nodes()).toEqual([recordOf("a"), changed, recordOf("c")]);
    });

    test("adds the subscribers of all nodes up, as they last said", async () => {
      await one.renew(recordOf("a"), counts([news, 2], [sport, 5]), longMs);
      await other.renew(recordOf("b"), counts([news, 3]), longMs);
      expect(await one.subscribers(news)).toBe(5);
      await one.renew(recordOf("a"), counts([news, 10]), longMs);
      expect(await other.subscribers(news)).toBe(13);
      expect(await other.subscribers(sport)).toBe(5);
      await one.renew(recordOf("a"), counts([news, 0], [sport, 0]), longMs);
      expect(await other.subscribers(news)).toBe(3);
      expect(await other.subscribers(sport)).toBe(0);
    });

    test("forgets a node and its counts when its lease ends, and answers new to its next renewal", async () => {
      await one.renew(recordOf("a"), counts([news, 2]), 100);
      await other.renew(recordOf("b"), counts([news, 1]), longMs);
      await until(async () => ((await other.nodes()).length === 1 ? undefined : "still two nodes"));
      expect(await other.nodes()).toEqual([recordOf("b")]);
      expect(await other.subscribers(news)).toBe(1);
      expect(await one.renew(recordOf("a"), counts([sport, 4]), longMs)).toBe("new");
      expect(await other.subscribers(news)).toBe(1);
      expect(await other.subscribers(sport)).toBe(4);
    });

    test("keeps a node whose lease is renewed in time", async () => {
      await one.renew(recordOf("a"), counts([news, 2]), 200);
      const until600 = performance.now() + 600;
      await until(async () => {
        expect(await one.renew(recordOf("a"), counts(), 200)).toBe("renewed");
        return performance.now() > until600 ? undefined : "not yet three leases long";
      });
      expect(await other.subscribers(news)).toBe(2);
    });

    test("forgets a node that leaves at once, however often it leaves", async () => {
      await one.renew(recordOf("a"), counts([news, 2]), longMs);
      await one.leave("a");
      await one.leave("a");
      expect(await other.nodes()).toEqual([]);
      expect(await other.subscribers(news)).toBe(0);
      expect(await one.renew(recordOf("a"), counts(), longMs)).toBe("new");
    });

    test("takes thousands of counts in one renewal", async () => {
      const many = Array.from({ length: 2_500 }, (_, number): [Channel, number] => [channelName(`many:${number}`), number]);
      expect(await one.renew(recordOf("a"), counts(...many), longMs)).toBe("new");
      expect(await other.subscribers(channelName("many:2499"))).toBe(2_499);
      expect(await one.renew(recordOf("a"), counts(...many), longMs)).toBe("renewed");
    });

    test.each(["__proto__", "constructor", "record", "x".repeat(255)])("is not confused by the name %s", async (name) => {
      await one.renew(recordOf(name), counts([channelName(name), 3]), longMs);
      expect(await other.nodes()).toEqual([recordOf(name)]);
      expect(await other.subscribers(channelName(name))).toBe(3);
    });
  });
}

function recordOf(node: string): NodeRecord {
  const peerUrl = `http://127.0.0.1:8100/${node}`;
  return { node, peerUrl, sidPrefix: "0123abcd", startedAt: 1, connections: 0, state: "ready", version: "0.1.0" };
}

function counts(...entries: readonly (readonly [Channel, number])[]): Map<Channel, number> {
  return new Map(entries);
}
