import { channelName, type DeliveryCounts, limits, type Receipted, type Receipts, seqMax } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** One backend as a node and an admin API see it. */
export interface ReceiptsWorld {
  readonly receipts: readonly [Receipts, Receipts];
  close(): Promise<void>;
}

const channel = channelName("ns:a/b#1");
const seqNow = (): number => Date.now() * 1_000;
const counts = (sessions: number, more: Partial<DeliveryCounts> = {}): DeliveryCounts => ({
  sessions,
  written: sessions,
  unsent: 0,
  dropped: 0,
  recovered: 0,
  ...more,
});
const a = { node: "a", life: "00aa11bb" };
const b = { node: "b with spaces", life: "ccdd2233" };

/** The law of {@link Receipts}. */
export function receiptsContract(open: () => Promise<ReceiptsWorld>): void {
  describe("every keeper of receipts", () => {
    let world: ReceiptsWorld;
    let node: Receipts;
    let admin: Receipts;
    let one: Receipted;
    beforeEach(async () => {
      world = await open();
      [node, admin] = world.receipts;
      one = { channel, epoch: "e1", offset: 7, seq: seqNow() };
    });
    afterEach(() => world.close());

    test("knows nothing of a publication without a receipt, and of no node", async () => {
      expect(await admin.find(channel, 7)).toBeUndefined();
      expect(await admin.reportedUpTo()).toEqual([]);
    });

    test("has a receipt that was begun, also when nobody got the publication", async () => {
      await admin.open(one);
      await admin.open(one);
      expect(await node.find(channel, 7)).toEqual({ ...one, nodes: [] });
      expect(await node.find(channel, 8)).toBeUndefined();
      expect(await node.find(channelName("ns:a/b#2"), 7)).toBeUndefined();
    });

    test("has what each node said last, and what a former life of it said beside it", async () => {
      await admin.open(one);
      await node.report(b, [{ ...one, counts: counts(3, { written: 1, unsent: 2 }) }]);
      await node.report(a, [{ ...one, counts: counts(1) }]);
      await node.report({ ...a, life: "again" }, [{ ...one, counts: counts(0, { recovered: 1 }) }]);
      await node.report(b, [{ ...one, counts: counts(3, { written: 2, dropped: 1 }) }]);
      expect(await admin.find(channel, 7)).toEqual({
        ...one,
        nodes: [
          { ...a, counts: counts(1) },
          { ...a, life: "again", counts: counts(0, { recovered: 1 }) },
          { ...b, counts: counts(3, { written: 2, dropped: 1 }) },
        ],
      });
    });

    test("takes a batch that comes twice for one", async () => {
      const others = Array.from({ length: 200 }, (_, index) => ({ ...one, offset: 100 + index, counts: counts(index) }));
      for (let time = 0; time < 2; time++) await node.report(a, others);
      expect(await admin.find(channel, 100)).toEqual({ ...one, offset: 100, nodes: [{ ...a, counts: counts(0) }] });
      expect(await admin.find(channel, 299)).toEqual({ ...one, offset: 299, nodes: [{ ...a, counts: counts(199) }] });
    });

    test("begins a receipt with a node that is faster than the publisher", async () => {
      await node.report(a, [{ ...one, counts: counts(2) }]);
      await admin.open(one);
      expect(await admin.find(channel, 7)).toEqual({ ...one, nodes: [{ ...a, counts: counts(2) }] });
    });

    test("goes by the later publication when an offset was given out again", async () => {
      const later = { ...one, epoch: "e2", seq: one.seq + 1 };
      await node.report(a, [{ ...one, counts: counts(2) }]);
      await node.report(b, [{ ...later, counts: counts(5) }]);
      await node.report(a, [{ ...one, counts: counts(3) }]);
      await admin.open(one);
      expect(await admin.find(channel, 7)).toEqual({ ...later, nodes: [{ ...b, counts: counts(5) }] });
    });

    test("keeps nothing of a publication that has outlived its receipt, whoever speaks of it", async () => {
      const old = { ...one, seq: seqNow() - limits.receiptSeconds * 1_000_000 - 1_000 };
      await admin.open(old);
      await node.report(a, [{ ...old, counts: counts(1) }]);
      expect(await admin.find(channel, 7)).toBeUndefined();
    });

    test("knows of every life up to where it has reported, and when it said so", async () => {
      await node.report(b, [], [1, 0, seqMax]);
      await node.report(a, [{ ...one, counts: counts(1) }]);
      expect(await admin.reportedUpTo()).toEqual([{ ...b, seqs: [1, 0, seqMax], at: expect.any(Number) }]);
      await node.report(a, [], [one.seq, 5, 6]);
      await node.report(b, [], [2, 3, 4]);
      const said = await admin.reportedUpTo();
      expect(said).toEqual([
        { ...a, seqs: [one.seq, 5, 6], at: expect.any(Number) },
        { ...b, seqs: [2, 3, 4], at: expect.any(Number) },
      ]);
      for (const { at } of said) expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    });
  });
}
