import { type Broker, limits, type PublishItem, partitionOf } from "@fanfare/domain";
import { describe, expect, test } from "vitest";
import { draftOf, keepAll, listen, neighbourOf, newChannel, type OpenBrokerWorld, publish } from "./broker-world.ts";
import { until } from "./wait.ts";

/** The part of the broker's law that is about several publications that belong together. */
export function atomicContract(open: OpenBrokerWorld): void {
  const itemOf = (...draft: Parameters<typeof draftOf>): PublishItem => ({ draft: draftOf(...draft), retain: keepAll });
  const logOf = async (broker: Broker, channel: ReturnType<typeof newChannel>) =>
    (await broker.read(channel, { from: "after", offset: 0, limit: 1_000 }, keepAll)).publications;

  describe("publishing several as one", () => {
    test("stores and announces all of them in their order, over all of their channels, with nobody's in between", async () => {
      const world = await open();
      const one = newChannel();
      const other = neighbourOf(one, world.brokers[0]);
      const heard = await listen(world, one, other);
      const batch = (start: number): PublishItem[] =>
        Array.from({ length: 70 }, (_, index) => itemOf(index % 3 ? one : other, String(start + index)));
      const outcomes = await Promise.all([0, 1].map((node) => world.brokers[node as 0 | 1].publishAll(batch(node * 100))));
      for (const outcome of outcomes) expect(outcome.kind === "stored" && outcome.outcomes.length).toBe(70);
      await until(() => (heard.messages.length < 140 ? `heard only ${heard.messages.length}` : undefined));

      const numbers = heard.announcements.map(({ args }) => Number(/,([0-9]+),/.exec(Buffer.from(args).toString())?.[1]));
      const runs = [numbers.slice(0, 70), numbers.slice(70)].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
      expect(runs).toEqual([0, 100].map((start) => Array.from({ length: 70 }, (_, index) => start + index)));
      const seqs = heard.announcements.map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      for (const channel of [one, other]) {
        const log = await logOf(world.brokers[0], channel);
        expect(log.map(({ offset }) => offset)).toEqual(log.map((_, index) => index + 1));
        expect(log.map(({ previous }) => previous)).toEqual([0, ...log.slice(0, -1).map(({ seq }) => seq)]);
      }
    });

    test("tried again as a whole or in part stores nothing twice, and one that comes twice in it is stored once", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const first = await publish(brokers[0], channel, "1", { id: "a" });
      const items = [itemOf(channel, "1", { id: "a" }), itemOf(channel, "2", { id: "b" }), itemOf(channel, "2", { id: "b" })];
      const { epoch } = first;
      const expected = { kind: "duplicate", position: { epoch, offset: 2 } };
      expect(await brokers[1].publishAll(items)).toEqual({
        kind: "stored",
        outcomes: [{ kind: "duplicate", position: first }, { ...expected, kind: "stored" }, expected],
      });
      expect(await brokers[0].publishAll(items)).toEqual({
        kind: "stored",
        outcomes: [{ kind: "duplicate", position: first }, expected, expected],
      });
      expect(await logOf(brokers[0], channel)).toHaveLength(2);
    });

    test("stores and announces nothing when the id of one says something else", async () => {
      const world = await open();
      const { brokers } = world;
      const channel = newChannel();
      const heard = await listen(world, channel);
      await publish(brokers[0], channel, "1", { id: "a" });
      const known = [itemOf(channel, "9"), itemOf(channel, "2", { id: "a" }), itemOf(channel, "9")];
      expect(await brokers[1].publishAll(known)).toEqual({ kind: "conflict", index: 1 });
      const within = [itemOf(channel, "9", { id: "b" }), itemOf(channel, "9"), itemOf(channel, "8", { id: "b" })];
      expect(await brokers[1].publishAll(within)).toEqual({ kind: "conflict", index: 2 });
      await publish(brokers[0], channel, "3");
      await until(() => (heard.messages.length < 2 ? `heard only ${heard.messages.length}` : undefined));
      expect(heard.announcements.map(({ offset }) => offset)).toEqual([1, 2]);
      expect((await logOf(brokers[0], channel)).map(({ payload }) => payload.json)).toEqual(["1", "3"]);
    });

    test("keeps each channel's own retention", async () => {
      const { brokers } = await open();
      const kept = newChannel();
      const fleeting = neighbourOf(kept, brokers[0]);
      await brokers[0].publishAll([
        itemOf(kept, "1"),
        { draft: draftOf(fleeting, "2"), retain: { count: 0, seconds: 60 } },
        { draft: draftOf(kept, "3"), retain: { count: 1, seconds: 60 } },
      ]);
      expect((await logOf(brokers[1], kept)).map(({ offset }) => offset)).toEqual([2]);
      expect(await logOf(brokers[1], fleeting)).toEqual([]);
      expect(await brokers[1].open([fleeting])).toMatchObject([{ offset: 1 }]);
    });

    test("is refused for more than may hold everybody up, and where they are not of one partition", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const many = Array.from({ length: limits.atomicMax + 1 }, () => itemOf(channel, "1"));
      await expect(brokers[0].publishAll(many)).rejects.toMatchObject({ code: "ATOMIC_UNSUPPORTED" });
      const { partitions } = brokers[0];
      if (partitions > 1) {
        const home = partitionOf(channel, partitions);
        let stranger = newChannel();
        while (partitionOf(stranger, partitions) === home) stranger = newChannel();
        const apart = [itemOf(channel, "1"), itemOf(stranger, "1")];
        await expect(brokers[0].publishAll(apart)).rejects.toMatchObject({ code: "ATOMIC_UNSUPPORTED" });
      }
      expect(await logOf(brokers[0], channel)).toEqual([]);
      const asMany = many.slice(1);
      expect(await brokers[0].publishAll(asMany)).toMatchObject({ kind: "stored" });
      expect(await logOf(brokers[0], channel)).toHaveLength(limits.atomicMax);
    });
  });
}
