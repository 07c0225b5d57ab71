import { type Channel, channelName, type DeliveryCounts, type DeliveryReport, defaultEvent, limits } from "@fanfare/domain";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { names, type Step, usual, Wanderer } from "../test/wanderer.ts";
import { ModelBroker, ModelClient, ModelNode, turn } from "../test/world.ts";
import { type Account, openAccount } from "./account.ts";
import { Receipts } from "./receipts.ts";
import type { Writer } from "./writer.ts";

const news = channelName("news");
/** A handful of publications. */
const bufferBytesMax = 700;

/** What the nodes have said in the end, by publication. */
class Said {
  readonly #last = new Map<string, DeliveryCounts>();

  hear(node: number, reports: readonly DeliveryReport[]): void {
    for (const { channel, seq, counts } of reports) {
      const { sessions, written, unsent, dropped } = counts;
      expect(written + unsent + dropped).toBe(sessions);
      for (const count of Object.values(counts)) expect(count).toBeGreaterThanOrEqual(0);
      this.#last.set(`${node} ${channel} ${seq}`, counts);
    }
  }

  of(channel: Channel, seq: number): DeliveryCounts {
    const sum = { sessions: 0, written: 0, unsent: 0, dropped: 0, recovered: 0 };
    for (const [key, counts] of this.#last) {
      if (!key.endsWith(` ${channel} ${seq}`)) continue;
      for (const name of Object.keys(sum) as (keyof DeliveryCounts)[]) sum[name] += counts[name];
    }
    return sum;
  }
}

const channel = fc.integer({ min: 0, max: names.length - 1 });
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: usual },
    { weight: 8, arbitrary: fc.record({ act: fc.constant("publish" as const), channel }) },
    { weight: 8, arbitrary: fc.record({ act: fc.constant("flush" as const), node: fc.integer({ min: 0, max: 1 }) }) },
    { weight: 3, arbitrary: fc.record({ act: fc.constant("stall" as const) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("read" as const) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("begin closing" as const) }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constant("turn" as const) }) },
  ) satisfies fc.Arbitrary<Step>,
  { maxLength: 120, size: "max" },
);

test.each([1, 3])(
  "whatever happens to a client, nothing is claimed that it has not heard, and all it has heard is accounted for (%i partitions)",
  async (partitions) => {
    const outcomes = { written: 0, dropped: 0, recovered: 0 };
    await fc.assert(
      fc.asyncProperty(steps, async (schedule) => {
        const slow = (channel: Channel) => (channel === names[0] ? "latest" : channel === names[1] ? "disconnect" : "catchup");
        const world = new Wanderer(partitions, { bufferBytesMax, slow, receipts: true });
        const said = new Said();
        const take = () => world.nodes.forEach(({ fanout }, node) => void said.hear(node, fanout.receipts.take()));
        await world.begin();
        // What a client reads just before its connection ends is not seen: so nothing happens between two looks.
        for (const step of [...schedule, { act: "read" } as const]) {
          await world.step(step);
          take();
        }
        await world.settle();
        take();
        world.close();
        for (const name of names) {
          for (const { epoch, offset, seq } of world.broker.log(name).entries) {
            const { written, unsent, dropped, recovered } = said.of(name, seq);
            const heard = world.client.heard.filter(
              (one) => one.channel === name && "offset" in one && one.epoch === epoch && one.offset === offset,
            ).length;
            expect(unsent).toBe(0);
            expect(written + recovered).toBe(heard);
            outcomes.written += written;
            outcomes.dropped += dropped;
            outcomes.recovered += recovered;
          }
        }
      }),
      { numRuns: 100 },
    );
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(20);
  },
  60_000,
);

describe("a publication with a receipt", () => {
  let broker: ModelBroker;
  let node: ModelNode;
  let rule: "disconnect" | "latest" | "catchup";
  beforeEach(() => {
    broker = new ModelBroker();
    node = new ModelNode(broker, "one", { bufferBytesMax, slow: () => rule });
    rule = "catchup";
  });
  afterEach(() => node.fanout.close());

  const join = async (id: string): Promise<ModelClient> => {
    const client = new ModelClient();
    await node.fanout.subscribe(node.connect(client, id), news);
    return client;
  };
  const publish = (more: { receipt?: true; except?: string[] } = { receipt: true }): number => {
    const { seq } = broker.publishNow(
      { channel: news, event: defaultEvent, payload: { json: "0", binary: false }, ...more },
      true,
    );
    node.link.flush();
    return seq;
  };
  const counted = (): Map<number, DeliveryCounts> => new Map(node.fanout.receipts.take().map(({ seq, counts }) => [seq, counts]));
  const rest = async (): Promise<void> => {
    for (let turns = 0; turns < 40; turns++) await turn();
  };

  test("counts those who were there and whom it does not leave out; one without a receipt counts nobody", async () => {
    await join("a");
    await join("b");
    publish({});
    expect(counted()).toEqual(new Map());
    const seq = publish({ receipt: true, except: ["b"] });
    await join("c");
    expect(counted()).toEqual(new Map([[seq, { sessions: 1, written: 1, unsent: 0, dropped: 0, recovered: 0 }]]));
    expect(counted()).toEqual(new Map());
  });

  test("waits for who does not read, and is dropped when its connection ends", async () => {
    const [reader, slow] = [await join("a"), await join("b")];
    slow.reads = false;
    const [first, second] = [publish(), publish()];
    await rest();
    expect(counted().get(first)).toMatchObject({ sessions: 2, written: 1, unsent: 1 });
    slow.reads = true;
    node.drain(slow);
    await rest();
    expect(counted().get(second)).toMatchObject({ sessions: 2, written: 2, unsent: 0 });
    slow.reads = false;
    const third = publish();
    await rest();
    node.disconnect(slow);
    node.disconnect(reader);
    await rest();
    expect(counted().get(third)).toEqual({ sessions: 2, written: 1, unsent: 0, dropped: 1, recovered: 0 });
  });

  test("is not written to who is just leaving, and is dropped when the connection has ended", async () => {
    const [idle, behind] = [await join("a"), await join("b")];
    behind.reads = false;
    publish({});
    for (const client of [idle, behind]) node.beginClosing(client);
    const seq = publish();
    await rest();
    behind.reads = true;
    node.drain(behind);
    await rest();
    for (const client of [idle, behind]) expect(client.heard).toHaveLength(1);
    expect(counted().get(seq)).toMatchObject({ sessions: 2, written: 0, unsent: 2 });
    for (const client of [idle, behind]) node.disconnect(client);
    await rest();
    expect(counted().get(seq)).toEqual({ sessions: 2, written: 0, unsent: 0, dropped: 2, recovered: 0 });
  });

  test.each([
    ["catchup", { written: 1, dropped: 0 }],
    ["latest", { written: 0, dropped: 1 }],
  ] as const)("that is held back by the rule %s stays unsent until it is given, or passed over", async (which, outcome) => {
    rule = which;
    const slow = await join("a");
    slow.reads = false;
    for (let time = 0; time < 10; time++) publish({});
    expect(node.fanout.held).toBe(1);
    const [seq] = [publish(), publish({})];
    expect(counted().get(seq)).toMatchObject({ sessions: 1, written: 0, unsent: 1, dropped: 0 });
    slow.reads = true;
    node.drain(slow);
    await rest();
    expect(counted().get(seq)).toEqual({ sessions: 1, unsent: 0, recovered: 0, ...outcome });
  });

  test("is recovered by who subscribes with since", async () => {
    const early = await join("a");
    const seq = publish();
    counted();
    node.disconnect(early);
    const { epoch } = broker.log(news);
    const socket = node.connect(new ModelClient(), "b");
    expect(await node.fanout.subscribe(socket, news, { since: { epoch, offset: 0 } })).toMatchObject({ replayed: 1 });
    expect(counted().get(seq)).toMatchObject({ sessions: 1, written: 1, recovered: 1 });
  });

  test("is told again when it could not be told, as it stands by then", async () => {
    const slow = await join("a");
    slow.reads = false;
    const seq = publish();
    const reports = node.fanout.receipts.take();
    expect(reports).toMatchObject([{ channel: news, offset: 1, seq, counts: { unsent: 1 } }]);
    slow.reads = true;
    node.drain(slow);
    node.fanout.receipts.giveBack(reports);
    expect(counted().get(seq)).toMatchObject({ unsent: 0, written: 1 });
  });
});

describe("what is counted at a time is bounded", () => {
  const waiting = { hold: undefined, doomed: false, isClosed: false, isClear: false, witness: () => () => false };
  const clear = { ...waiting, isClear: true } as unknown as Writer;
  const clock = { now: () => 0, monotonic: () => 0, after: () => () => undefined };
  const item = { epoch: "e", seq: 0, previous: 0, except: [], binary: false, logged: true, receipt: true, args: "[]" };
  const members = (count: number) =>
    new Map(Array.from({ length: count }, (_, index) => [`${index}`, waiting as unknown as Writer] as const));
  const state = (count: number) =>
    ({ channel: news, partition: 0, members: members(count) }) as unknown as Parameters<Receipts["delivered"]>[0];

  test("sessions beyond stay unsent", () => {
    const receipts = new Receipts(clock, { followedMax: 3 });
    receipts.delivered(state(5), { ...item, offset: 1, seq: 1 });
    receipts.flushing();
    receipts.flushed();
    expect(receipts.take()).toMatchObject([{ counts: { sessions: 5, unsent: 5 } }]);
    receipts.close();
  });

  test("of publications beyond, the oldest is forgotten and makes room", () => {
    const receipts = new Receipts(clock, { accountsMax: 2, followedMax: 4 });
    for (const seq of [1, 2, 3]) receipts.delivered(state(2), { ...item, offset: seq, seq });
    expect(receipts.take().map(({ seq }) => seq)).toEqual([2, 3]);
    receipts.close();
  });

  test("what was told of a publication that is forgotten is not replaced by who recovers it later", () => {
    const receipts = new Receipts(clock, { accountsMax: 2 });
    for (const seq of [1, 3, 4, 5]) receipts.delivered(state(2), { ...item, offset: seq, seq });
    receipts.take();
    // 2 was never counted here, and nobody can tell any more.
    for (const seq of [1, 2, 3]) receipts.replayed(clear, state(0), { ...item, offset: seq, seq });
    expect(receipts.take()).toEqual([]);
    receipts.replayed(clear, state(0), { ...item, offset: 5, seq: 5 });
    receipts.replayed(clear, { ...state(0), partition: 1 }, { ...item, offset: 2, seq: 2 });
    expect(receipts.take()).toMatchObject([
      { seq: 5, counts: { sessions: 2, recovered: 1 } },
      { seq: 2, counts: { sessions: 0, recovered: 1 } },
    ]);
    receipts.close();
  });

  test("who recovers a publication whose receipt has ended is not counted", () => {
    const lifeMs = limits.receiptSeconds * 1_000;
    const receipts = new Receipts({ ...clock, now: () => lifeMs + 7 });
    receipts.replayed(clear, state(0), { ...item, offset: 1, seq: 7_999 });
    expect(receipts.take()).toEqual([]);
    receipts.replayed(clear, state(0), { ...item, offset: 2, seq: 8_000 });
    expect(receipts.take()).toMatchObject([{ offset: 2, counts: { recovered: 1 } }]);
    receipts.close();
  });

  test("of very many sessions only some are looked at in one turn, and each in its own", () => {
    const looks = new Array<number>(10).fill(0);
    const writers = looks.map((_, index) => {
      const witness = () => () => {
        looks[index] = (looks[index] ?? 0) + 1;
        return index === 7;
      };
      return [`${index}`, { ...waiting, witness } as unknown as Writer] as const;
    });
    const receipts = new Receipts(clock, { looksMax: 4 });
    const members = (from: number, to: number) => ({ ...state(0), members: new Map(writers.slice(from, to)) });
    receipts.delivered(members(0, 6), { ...item, offset: 1, seq: 1 });
    receipts.delivered(members(6, 10), { ...item, offset: 2, seq: 2 });
    receipts.flushing();
    receipts.flushed();
    receipts.take();
    expect(looks).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect(receipts.take()).toMatchObject([{ seq: 2, counts: { written: 1, unsent: 3 } }]);
    expect(looks).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    receipts.take();
    expect(looks).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    receipts.take();
    expect(looks).toEqual([2, 2, 2, 2, 1, 1, 1, 1, 1, 1]);
    receipts.close();
  });

  test("an account begins with nobody", () => {
    const account: Account = openAccount({ channel: news, partition: 0 }, { ...item, offset: 1, seq: 9 }, 5);
    expect(account).toMatchObject({
      channel: news,
      epoch: "e",
      offset: 1,
      seq: 9,
      sessions: 0,
      written: 0,
      dropped: 0,
      recovered: 0,
    });
  });
});
