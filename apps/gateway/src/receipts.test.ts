import { openBackend } from "@fanfare/broker";
import { channelName, type DeliveryReport, FanfareError, formatBookmark, type Receipts, seqMax } from "@fanfare/domain";
import { createLog } from "@fanfare/telemetry";
import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { ReceiptKeeper } from "./receipts.ts";

const news = channelName("news");
const counts = { sessions: 1, written: 1, unsent: 0, dropped: 0, recovered: 0 };
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** A keeper on receipts of its own in memory, with time that is moved by hand. */
function scene() {
  const clock = new ManualClock();
  const { receipts } = openBackend({ cluster: "test", log: createLog({ name: "gateway", level: "silent" }) });
  const state = { away: false, changed: [] as DeliveryReport[], seq: 1 };
  const said: { readonly deliveries: number; readonly seqs: readonly number[] | undefined }[] = [];
  const watched: Receipts = {
    open: (publication) => receipts.open(publication),
    find: (channel, offset) => receipts.find(channel, offset),
    reportedUpTo: () => receipts.reportedUpTo(),
    async report(life, deliveries, seqs) {
      if (state.away) throw new FanfareError("BROKER_UNAVAILABLE");
      said.push({ deliveries: deliveries.length, seqs });
      await receipts.report(life, deliveries, seqs);
    },
  };
  const counting = {
    take: () => state.changed.splice(0),
    giveBack: (reports: readonly DeliveryReport[]) => void state.changed.push(...reports),
  };
  const keeper = new ReceiptKeeper({
    receipts: watched,
    fanout: {
      receipts: counting as unknown as ConstructorParameters<typeof ReceiptKeeper>[0]["fanout"]["receipts"],
      get bookmark() {
        return formatBookmark({ seqs: [state.seq] });
      },
    },
    node: "a",
    life: "1",
    clock,
    log: createLog({ name: "gateway", level: "silent" }),
  });
  const report = (offset: number): DeliveryReport => ({ channel: news, epoch: "e", offset, seq: Date.now() * 1_000, counts });
  const pass = async (ms: number): Promise<void> => {
    await turns();
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(Math.min(500, left));
      await turns();
    }
  };
  return { keeper, receipts, state, said, report, pass };
}

test("what has changed is told twice a second, and without any change every two seconds how far it has come", async () => {
  const { keeper, state, said, report, pass, receipts } = scene();
  await pass(0);
  expect(said).toEqual([{ deliveries: 0, seqs: [1] }]);
  state.seq = 2;
  await pass(1_500);
  expect(said).toHaveLength(1);
  await pass(500);
  expect(said.slice(1)).toEqual([{ deliveries: 0, seqs: [2] }]);
  state.changed.push(report(1));
  await pass(500);
  expect(said.slice(2)).toEqual([{ deliveries: 1, seqs: [2] }]);
  expect(await receipts.find(news, 1)).toMatchObject({ nodes: [{ node: "a", life: "1", counts }] });
  await keeper.end({ deserted: false });
});

test("many are told in batches, and only with the last of them that this was everything", async () => {
  const { keeper, state, said, report, pass } = scene();
  await pass(0);
  state.changed = Array.from({ length: 450 }, (_, index) => report(index + 1));
  await pass(500);
  expect(said.slice(1)).toEqual([
    { deliveries: 200, seqs: undefined },
    { deliveries: 200, seqs: undefined },
    { deliveries: 50, seqs: [1] },
  ]);
  await keeper.end({ deserted: false });
});

test("what could not be told while the broker was away is told when it is back, and at the end what is left", async () => {
  const { keeper, state, said, report, pass } = scene();
  await pass(0);
  state.away = true;
  state.changed = [report(1)];
  await pass(3_000);
  expect(said).toHaveLength(1);
  state.away = false;
  await pass(500);
  expect(said.slice(1)).toEqual([{ deliveries: 1, seqs: [1] }]);
  state.changed = [report(2)];
  await keeper.end({ deserted: false });
  expect(said.slice(2)).toEqual([{ deliveries: 1, seqs: [1] }]);
});

test.each([
  ["that nobody is left behind, and it has said all that it ever will", true, seqMax],
  ["that some are, how far it has come", false, 2],
])("at the end it says, and be it just after it has spoken: %s", async (_, deserted, upTo) => {
  const { keeper, receipts, state, said, pass } = scene();
  await pass(0);
  state.seq = 2;
  await keeper.end({ deserted });
  expect(said.slice(1)).toEqual([{ deliveries: 0, seqs: [upTo] }]);
  expect(await receipts.reportedUpTo()).toMatchObject([{ node: "a", life: "1", seqs: [upTo] }]);
});
