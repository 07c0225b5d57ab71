import { livePage } from "@fanfare/domain";
import { describe, expect, test } from "vitest";
import { draftOf, keepAll, newChannel, type OpenBrokerWorld, publish } from "./broker-world.ts";
import { until } from "./wait.ts";

/** The part of the broker's law that is about publications with a time to live. */
export function ttlContract(open: OpenBrokerWorld): void {
  describe("a publication's time to live", () => {
    test("over, its place stays and its content is gone, in every way of reading; others stay as they are", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      await publish(brokers[0], channel, '"kept"');
      await publish(brokers[0], channel, '"secret"', { ttlSeconds: 1, id: "short" });
      await publish(brokers[0], channel, '"long"', { ttlSeconds: 3_600 });
      const ranges = [
        { from: "after", offset: 0, limit: 10 },
        { from: "afterSeq", seq: 0, limit: 10 },
        { from: "before", offset: 10, limit: 10 },
        { from: "end", limit: 10 },
      ] as const;
      const all = async () =>
        Promise.all(ranges.map(async (range) => (await brokers[1].read(channel, range, keepAll)).publications));
      for (const publications of await all()) {
        expect(publications.map(({ payload, expired }) => [payload.json, expired])).toEqual([
          ['"kept"', undefined],
          ['"secret"', undefined],
          ['"long"', undefined],
        ]);
      }
      const before = (await all())[0];
      await until(async () => ((await all())[0]?.[1]?.expired ? undefined : "it has not expired"));
      for (const publications of await all()) {
        expect(publications.map(({ payload, expired }) => [payload.json, expired])).toEqual([
          ['"kept"', undefined],
          ["null", true],
          ['"long"', undefined],
        ]);
        const places = (list: typeof publications = []) =>
          list.map(({ offset, seq, previous, epoch }) => ({ offset, seq, previous, epoch }));
        expect(places(publications)).toEqual(places(before));
      }
      const page = await livePage(brokers[1], channel, { from: "end", limit: 2 }, keepAll);
      expect(page.publications.map(({ offset }) => offset)).toEqual([1, 3]);
      // A retry is one, as long as the id is known; with another time to live it is another publication.
      const retry = draftOf(channel, '"secret"', { ttlSeconds: 1, id: "short" });
      expect(await brokers[0].publish(retry, keepAll)).toMatchObject({ kind: "duplicate", position: { offset: 2 } });
      expect(await brokers[0].publish({ ...retry, ttlSeconds: 2 }, keepAll)).toEqual({ kind: "conflict" });
    });
  });
}
