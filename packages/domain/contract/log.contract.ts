import { type Draft, type LogRange, limits, partitionOf, timeOfSeq } from "@fanfare/domain";
import { describe, expect, test } from "vitest";
import {
  draftOf,
  keepAll,
  listen,
  neighbourOf,
  newChannel,
  type OpenBrokerWorld,
  publish,
  publishNumbers,
} from "./broker-world.ts";
import { until } from "./wait.ts";

/** The part of the broker's law that is about reading and forgetting. */
export function logContract(open: OpenBrokerWorld): void {
  describe("its log", () => {
    test("reads as empty for a channel that was never used, and reading does not make it", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const slice = await brokers[0].read(channel, { from: "after", offset: 0, limit: 10 }, keepAll);
      expect(slice).toEqual({ top: { epoch: "", offset: 0, seq: 0 }, first: 1, publications: [], payloadBytes: 0 });
      expect(await brokers[0].describe(channel, keepAll)).toBeUndefined();
    });

    test.each<[LogRange, number[]]>([
      [{ from: "after", offset: 0, limit: 100 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
      [{ from: "after", offset: 0, limit: 3 }, [1, 2, 3]],
      [{ from: "after", offset: 7, limit: 100 }, [8, 9, 10]],
      [{ from: "after", offset: 10, limit: 100 }, []],
      [{ from: "after", offset: 99, limit: 100 }, []],
      [{ from: "before", offset: 4, limit: 100 }, [1, 2, 3]],
      [{ from: "before", offset: 4, limit: 2 }, [2, 3]],
      [{ from: "before", offset: 1, limit: 100 }, []],
      [{ from: "before", offset: 0, limit: 100 }, []],
      [{ from: "before", offset: 99, limit: 2 }, [9, 10]],
      [{ from: "end", limit: 3 }, [8, 9, 10]],
      [{ from: "end", limit: 100 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
      [{ from: "end", limit: 0 }, []],
      [{ from: "after", offset: 3, limit: 0 }, []],
    ])("is cut by offset: %j gives %j", async (range, offsets) => {
      const { brokers } = await open();
      const channel = newChannel();
      await publishNumbers(brokers[0], channel, 10);
      const slice = await brokers[1].read(channel, range, keepAll);
      expect(slice.publications.map(({ offset }) => offset)).toEqual(offsets);
      expect(slice.publications.map(({ payload }) => payload.json)).toEqual(offsets.map(String));
      expect(slice).toMatchObject({ top: { offset: 10 }, first: 1 });
    });

    test.each<["after" | "before", number[][]]>([
      ["after", [[1, 2, 3], [4, 5, 6], [7]]],
      ["before", [[5, 6, 7], [2, 3, 4], [1]]],
    ])("ends a page %s a place by bytes, and whoever goes on behind it gets to the end", async (from, pages) => {
      const { brokers } = await open();
      const channel = newChannel();
      const json = JSON.stringify("x".repeat(Math.ceil(limits.pageBytesMax / 3)));
      for (let number = 1; number <= 7; number++) await publish(brokers[0], channel, json);
      const read: number[][] = [];
      for (let offset = from === "after" ? 0 : 8; ; ) {
        const { publications, first, top } = await brokers[1].read(channel, { from, offset, limit: 100 }, keepAll);
        const offsets = publications.map((publication) => publication.offset);
        read.push(offsets);
        expect({ first, top: top.offset }).toEqual({ first: 1, top: 7 });
        offset = (from === "after" ? offsets.at(-1) : offsets[0]) ?? 0;
        if (offset === (from === "after" ? 7 : 1)) break;
      }
      expect(read).toEqual(pages);
      // One that is larger than a page is a page.
      expect((await brokers[1].read(channel, { from: "end", limit: 1 }, keepAll)).publications).toHaveLength(1);
    });

    test("pages of small publications are full, whatever their number", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      await publishNumbers(brokers[0], channel, 130);
      for (const limit of [1, 2, 25, 26, 27, 100, 200]) {
        const counted = Math.min(limit, 130);
        const offsetsFrom = (first: number): number[] => Array.from({ length: counted }, (_, at) => first + at);
        const after = await brokers[1].read(channel, { from: "after", offset: 0, limit }, keepAll);
        expect(after.publications.map(({ offset }) => offset)).toEqual(offsetsFrom(1));
        const last = await brokers[1].read(channel, { from: "end", limit }, keepAll);
        expect(last.publications.map(({ offset }) => offset)).toEqual(offsetsFrom(131 - counted));
      }
    });

    test("is cut by seq at every publication, between publications and beyond both ends", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const between = neighbourOf(channel, brokers[0]);
      const foreign: number[] = [];
      for (let number = 1; number <= 13; number++) {
        await publish(brokers[0], channel, String(number));
        await publish(brokers[0], between, "1");
        foreign.push(await brokers[0].frontier(partitionOf(channel, brokers[0].partitions)));
      }
      const all = (await brokers[0].read(channel, { from: "end", limit: 100 }, keepAll)).publications;
      const after = async (seq: number, limit = 100): Promise<number[]> =>
        (await brokers[1].read(channel, { from: "afterSeq", seq, limit }, keepAll)).publications.map(({ offset }) => offset);
      const offsetsFrom = (first: number): number[] => all.map(({ offset }) => offset).filter((offset) => offset >= first);

      for (const { offset, seq } of all) {
        expect(await after(seq)).toEqual(offsetsFrom(offset + 1));
        expect(await after(seq - 1)).toEqual(offsetsFrom(offset));
        expect(await after(foreign[offset - 1] ?? 0)).toEqual(offsetsFrom(offset + 1));
      }
      expect(await after(0)).toEqual(offsetsFrom(1));
      expect(await after(0, 4)).toEqual([1, 2, 3, 4]);
      expect(await after(Number.MAX_SAFE_INTEGER)).toEqual([]);
    });

    test("says of a publication with a receipt that it has one, as the announcement does, and of no other", async () => {
      const world = await open();
      const { brokers } = world;
      const channel = newChannel();
      const heard = await listen(world, channel);
      const drafts = [draftOf(channel, "1"), draftOf(channel, "2", { receipt: true, id: "two" })];
      const [plain, marked, retry] = [
        await brokers[0].publish(drafts[0] as Draft, keepAll),
        await brokers[0].publish(drafts[1] as Draft, keepAll),
        // What it says is the same without one.
        await brokers[0].publish(draftOf(channel, "2", { id: "two" }), keepAll),
      ];
      const atomic = await brokers[0].publishAll([{ draft: draftOf(channel, "3", { receipt: true }), retain: keepAll }]);
      const { publications } = await brokers[1].read(channel, { from: "end", limit: 9 }, keepAll);
      expect(publications.map(({ receipt }) => receipt)).toEqual([undefined, true, true]);
      expect(plain).not.toHaveProperty("seq");
      expect(marked).toMatchObject({ kind: "stored", seq: publications[1]?.seq });
      expect(retry).toMatchObject({ kind: "duplicate", position: { offset: 2 } });
      expect(atomic).toMatchObject({ kind: "stored", outcomes: [{ kind: "stored", seq: publications[2]?.seq }] });
      await until(() => (heard.messages.length < 3 ? `${heard.messages.length} of 3 announced` : undefined));
      expect(heard.announcements.map(({ receipt }) => receipt)).toEqual([false, true, true]);
    });

    test("keeps as many publications as the channel retains, and says where it begins", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const retain = { count: 5, seconds: 60 };
      await publishNumbers(brokers[0], channel, 12, retain);
      const slice = await brokers[1].read(channel, { from: "after", offset: 0, limit: 100 }, retain);
      expect(slice.first).toBe(8);
      expect(slice.publications.map(({ offset }) => offset)).toEqual([8, 9, 10, 11, 12]);
      // The rules were tightened since: nobody sees more than they say now.
      const tightened = await brokers[1].read(channel, { from: "after", offset: 0, limit: 100 }, { count: 2, seconds: 60 });
      expect(tightened).toMatchObject({ first: 11, publications: [{ offset: 11 }, { offset: 12 }] });
    });

    test("shows nothing that is older than the channel retains, also while newer ones keep coming", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const retain = { count: 1_000, seconds: 0.3 };
      await publishNumbers(brokers[0], channel, 3, retain);
      const firstSeq = (await brokers[0].open([channel]))[0]?.seq ?? 0;
      let polls = 0;
      await until(async () => {
        // Few, so that it is the reading that leaves them out: a broker may cut its logs now and then.
        if (polls++ % 5 === 0) await publish(brokers[0], channel, '"newer"', {}, retain);
        const { first } = await brokers[1].read(channel, { from: "end", limit: 0 }, retain);
        return first > 3 ? undefined : `the log begins at ${first}`;
      });
      // On a slow machine the newest may be too old by the time that they are read: then newer ones are published.
      let readAt = 0;
      let slice = await brokers[1].read(channel, { from: "end", limit: 0 }, retain);
      await until(async () => {
        await publish(brokers[0], channel, '"newer"', {}, retain);
        readAt = Date.now();
        slice = await brokers[1].read(channel, { from: "after", offset: 0, limit: 1_000 }, retain);
        return slice.publications.length > 0 ? undefined : "nothing is read";
      });
      expect(timeOfSeq(slice.publications[0]?.seq ?? 0)).toBeGreaterThanOrEqual(readAt - 301);
      expect(slice.publications[0]?.offset).toBe(slice.first);
      expect(slice.publications.at(-1)?.offset).toBe(slice.top.offset);
      expect(slice.publications.every(({ seq }) => seq > firstSeq)).toBe(true);
      const bySeq = await brokers[1].read(channel, { from: "afterSeq", seq: 0, limit: 1_000 }, retain);
      // Of what was there a moment ago, some may have gone.
      const still = slice.publications.filter(({ offset }) => offset >= bySeq.first);
      expect(bySeq.publications.map(({ offset }) => offset)).toEqual(still.map(({ offset }) => offset));

      await until(async () => {
        const { retained } = (await brokers[0].describe(channel, retain)) ?? {};
        return retained === 0 ? undefined : `${retained} are retained`;
      });
      // What is gone does not take the count back.
      const { offset } = await publish(brokers[0], channel, "1", {}, retain);
      expect(offset).toBe(slice.top.offset + 1);
    });

    test("is not kept where the channel retains none, and offsets count on", async () => {
      const world = await open();
      const { brokers } = world;
      const channel = newChannel();
      const heard = await listen(world, channel);
      const none = { count: 0, seconds: 60 };
      await publishNumbers(brokers[0], channel, 2, keepAll);
      await publishNumbers(brokers[0], channel, 2, none);
      await until(() => (heard.messages.length < 4 ? `heard only ${heard.messages.length}` : undefined));
      expect(heard.announcements.map(({ offset, logged }) => [offset, logged])).toEqual([
        [1, true],
        [2, true],
        [3, false],
        [4, false],
      ]);
      expect(Buffer.from(heard.announcements[3]?.args ?? []).toString()).toMatch(/,null]$/);
      // Also not the part from before: it would have a hole behind it.
      for (const retain of [none, keepAll]) {
        const slice = await brokers[1].read(channel, { from: "after", offset: 0, limit: 10 }, retain);
        expect(slice).toMatchObject({ top: { offset: 4 }, first: 5, publications: [], payloadBytes: 0 });
      }
      await publishNumbers(brokers[0], channel, 1, keepAll);
      const again = await brokers[1].read(channel, { from: "after", offset: 0, limit: 10 }, keepAll);
      expect(again).toMatchObject({ first: 5, publications: [{ offset: 5 }] });
    });

    test("is emptied by a purge, which tells how much there was and lets offsets count on", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      await publishNumbers(brokers[0], channel, 4);
      const [before] = await brokers[0].open([channel]);
      expect(await brokers[1].purge(channel)).toBe(4);
      expect(await brokers[1].purge(channel)).toBe(0);
      const slice = await brokers[0].read(channel, { from: "after", offset: 0, limit: 10 }, keepAll);
      expect(slice).toEqual({
        top: { epoch: before?.epoch, offset: 4, seq: before?.seq },
        first: 5,
        publications: [],
        payloadBytes: 0,
      });
      expect(await publish(brokers[0], channel, "5")).toEqual({ epoch: before?.epoch, offset: 5 });
      const after = await brokers[0].read(channel, { from: "afterSeq", seq: 0, limit: 10 }, keepAll);
      expect(after).toMatchObject({ first: 5, publications: [{ offset: 5, previous: before?.seq }] });
    });

    test("of a channel that was never used is purged without making the channel", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      expect(await brokers[0].purge(channel)).toBe(0);
      expect(await brokers[0].describe(channel, keepAll)).toBeUndefined();
    });
  });
}
