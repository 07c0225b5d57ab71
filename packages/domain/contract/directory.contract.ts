import type { Directory, NodeRecord } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two nodes see it. */
export interface DirectoryWorld {
  readonly directories: readonly [Directory, Directory];
  close(): Promise<void>;
}

const longMs = 60_000;

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
    });

    test("lists nodes by name, with what they said last", async () => {
      for (const node of ["c", "a", "b"]) await one.renew(recordOf(node), longMs);
      const changed = { ...recordOf("b"), connections: 7, state: "draining" as const };
      await one.renew(changed, longMs);
      expect(await other.nodes()).toEqual([recordOf("a"), changed, recordOf("c")]);
    });

    test("forgets a node when its lease ends, and lists it again with its next renewal", async () => {
      await one.renew(recordOf("a"), 100);
      await other.renew(recordOf("b"), longMs);
      await until(async () => ((await other.nodes()).length === 1 ? undefined : "still two nodes"));
      expect(await other.nodes()).toEqual([recordOf("b")]);
      await one.renew(recordOf("a"), longMs);
      expect(await other.nodes()).toEqual([recordOf("a"), recordOf("b")]);
    });

    test("keeps a node whose lease is renewed in time", async () => {
      const until900 = performance.now() + 900;
      await until(async () => {
        await one.renew(recordOf("a"), 400);
        expect(await other.nodes()).toEqual([recordOf("a")]);
        return performance.now() > until900 ? undefined : "not yet longer than two leases";
      });
    });

    test("forgets a node that leaves at once, however often it leaves", async () => {
      await one.renew(recordOf("a"), longMs);
      await one.leave("a");
      await one.leave("a");
      expect(await other.nodes()).toEqual([]);
    });

    test.each(["__proto__", "constructor", "record", "x".repeat(255)])("is not confused by the name %s", async (name) => {
      await one.renew(recordOf(name), longMs);
      expect(await other.nodes()).toEqual([recordOf(name)]);
    });
  });
}

function recordOf(node: string): NodeRecord {
  const peerUrl = `http://127.0.0.1:8100/${node}`;
  return { node, peerUrl, sidPrefix: "0123abcd", startedAt: 1, connections: 0, state: "ready", version: "0.1.0" };
}
