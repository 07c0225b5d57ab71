import {
  argumentsText,
  type Broker,
  channelName,
  type Draft,
  type EventName,
  formatBookmark,
  parseBookmark,
  partitionOf,
} from "@fanfare/domain";
import { afterEach, describe, expect, test } from "vitest";
import { atomicContract } from "./atomic.contract.ts";
import {
  type BrokerWorld,
  draftOf,
  keepAll,
  listen,
  neighbourOf,
  newChannel,
  type OpenBrokerWorld,
  publish,
  publishNumbers,
} from "./broker-world.ts";
import { logContract } from "./log.contract.ts";
import { delicatePayloads } from "./payloads.ts";
import { traceContract } from "./trace.contract.ts";
import { ttlContract } from "./ttl.contract.ts";
import { until } from "./wait.ts";

export type { BrokerWorld, OpenBrokerWorld } from "./broker-world.ts";

/** The law of {@link Broker}, and of what it announces. */
export function brokerContract(open: OpenBrokerWorld): void {
  describe("every broker", () => {
    let world: BrokerWorld;
    afterEach(() => world.close());
    const opened = async (options?: Parameters<OpenBrokerWorld>[0]): Promise<BrokerWorld> => {
      world = await open(options);
      return world;
    };

    publishing(opened);
    ids(opened);
    channels(opened);
    logContract(opened);
    atomicContract(opened);
    ttlContract(opened);
    traceContract(opened);
  });
}

function publishing(open: OpenBrokerWorld): void {
  test("offsets count from 1 without holes, and the announcements come in their order, when two publishers race", async () => {
    const world = await open();
    const channel = newChannel();
    const heard = await listen(world, channel);
    const positions = await Promise.all(
      Array.from({ length: 400 }, (_, number) => publish(world.brokers[number % 2 ? 1 : 0], channel, String(number))),
    );
    await until(() => (heard.messages.length < 400 ? `heard only ${heard.messages.length}` : undefined));

    const expected = Array.from({ length: 400 }, (_, index) => index + 1);
    expect(positions.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(expected);
    expect(new Set(positions.map(({ epoch }) => epoch)).size).toBe(1);
    expect(heard.announcements.map(({ offset }) => offset)).toEqual(expected);
  });

  test("each publication names the seq of the one before it in its channel, and seqs grow over all channels of a partition", async () => {
    const world = await open();
    const one = newChannel();
    const other = neighbourOf(one, world.brokers[0]);
    const heard = await listen(world, one, other);
    for (let turn = 0; turn < 20; turn++) await publish(world.brokers[turn % 2 ? 1 : 0], turn % 3 ? one : other, "1");
    await until(() => (heard.messages.length < 20 ? `heard only ${heard.messages.length}` : undefined));

    const seqs = heard.announcements.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    for (const channel of [one, other]) {
      const { publications } = await world.brokers[0].read(channel, { from: "after", offset: 0, limit: 100 }, keepAll);
      expect(publications.map(({ previous }) => previous)).toEqual([0, ...publications.slice(0, -1).map(({ seq }) => seq)]);
    }
  });

  test("a seq is the time of the publication in microseconds", async () => {
    const { brokers } = await open();
    const channel = newChannel();
    const before = Date.now();
    await publish(brokers[0], channel, "1");
    const [top] = await brokers[0].open([channel]);
    expect((top?.seq ?? 0) / 1_000).toBeGreaterThanOrEqual(before - 2);
    expect((top?.seq ?? 0) / 1_000).toBeLessThanOrEqual(Date.now() + 2);
  });

  test("the frontier is 0 at first and then the seq of the newest publication of any channel in its partition", async () => {
    const { brokers } = await open();
    const first = newChannel();
    const partition = partitionOf(first, brokers[0].partitions);
    expect(await brokers[0].frontier(partition)).toBe(0);
    for (const channel of [first, neighbourOf(first, brokers[0])]) {
      await publish(brokers[0], channel, "1");
      const [top] = await brokers[0].open([channel]);
      expect(await brokers[1].frontier(partition)).toBe(top?.seq);
    }
  });

  test("a partition's frontier says nothing of the others", async () => {
    const { brokers } = await open();
    const channel = newChannel();
    await publish(brokers[0], channel, "1");
    for (let partition = 0; partition < brokers[0].partitions; partition++) {
      const own = partition === partitionOf(channel, brokers[0].partitions);
      expect((await brokers[1].frontier(partition)) > 0).toBe(own);
    }
  });

  test("a durable publication says how many replicas have it, also when it was stored before, and others do not", async () => {
    const { brokers } = await open();
    const draft = draftOf(newChannel(), "1", { id: "k" });
    const replicas = expect.any(Number) as number;
    const stored = await brokers[0].publish(draft, keepAll, { durable: true });
    expect(stored).toEqual({ kind: "stored", position: { epoch: expect.any(String) as string, offset: 1 }, replicas });
    expect(await brokers[1].publish(draft, keepAll, { durable: true })).toEqual({ ...stored, kind: "duplicate", replicas });
    const plain = await brokers[1].publish(draft, keepAll);
    expect(plain).toMatchObject({ kind: "duplicate" });
    expect(plain).not.toHaveProperty("replicas");
    const other = { ...draft, payload: { json: "2", binary: false } };
    expect(await brokers[0].publish(other, keepAll, { durable: true })).toEqual({ kind: "conflict" });
  });

  test.each(delicatePayloads.map((json) => [json.length > 60 ? `${json.slice(0, 20)}… (${json.length})` : json, json]))(
    "the payload %s comes back to the byte, from the log and in the announcement",
    async (_name, json) => {
      const world = await open();
      const channel = newChannel();
      const heard = await listen(world, channel);
      await publish(world.brokers[0], channel, json, { id: "an id", event: "tick" as EventName });
      await until(() => (heard.messages.length < 1 ? "heard nothing" : undefined));

      const { publications } = await world.brokers[1].read(channel, { from: "end", limit: 1 }, keepAll);
      const [stored] = publications;
      if (stored === undefined) expect.fail("the log is empty");
      expect(stored.payload).toEqual({ json, binary: false });
      const [announced] = heard.announcements;
      if (announced === undefined) expect.fail("nothing was announced");
      const { epoch, offset, seq, previous } = stored;
      expect(announced).toMatchObject({ epoch, offset, seq, previous, logged: true, binary: false });
      const bookmark = formatBookmark({ seqs: [seq] });
      expect(Buffer.from(announced.args).toString()).toBe(argumentsText(stored, stored, bookmark));
    },
  );

  test("a publication comes back from the log with all that its publisher said, and no more", async () => {
    const { brokers } = await open();
    const channel = newChannel();
    const full = draftOf(channel, '{"base64":"AAEC"}', {
      event: 'an "event" – ünïcödé' as EventName,
      payload: { json: '{"base64":"AAEC"}', binary: true },
      id: 'id with "quotes", spaces & ünïcödé',
      except: ["aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb"],
    });
    await brokers[0].publish(full, keepAll);
    await brokers[0].publish(draftOf(channel, "1", { id: undefined, except: [] }), keepAll);

    const { publications, top } = await brokers[1].read(channel, { from: "after", offset: 0, limit: 2 }, keepAll);
    const [first, second] = publications;
    expect(first).toEqual({ ...full, epoch: top.epoch, offset: 1, seq: first?.seq, previous: 0 });
    expect(second).toEqual({ ...draftOf(channel, "1"), epoch: top.epoch, offset: 2, seq: top.seq, previous: first?.seq });
  });

  test("an announcement says what is binary and whom to leave out", async () => {
    const world = await open();
    const channel = newChannel();
    const heard = await listen(world, channel);
    const payload = { json: '{"base64":""}', binary: true };
    await publish(world.brokers[0], channel, "", { payload, except: ["one", "other"] });
    await until(() => (heard.messages.length < 1 ? "heard nothing" : undefined));
    expect(heard.announcements[0]).toMatchObject({ binary: true, except: ["one", "other"] });
  });
}

function ids(open: OpenBrokerWorld): void {
  test("the same id with the same content is stored and announced once, however often and from wherever it comes", async () => {
    const world = await open();
    const channel = newChannel();
    const heard = await listen(world, channel);
    const draft = draftOf(channel, "[1]", { id: "k", except: ["someone"] });
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) => world.brokers[index % 2 ? 1 : 0].publish(draft, keepAll)),
    );
    const end = await publish(world.brokers[0], channel, '"end"');
    await until(() => (heard.announcements.at(-1)?.offset === end.offset ? undefined : "the end was not heard"));

    expect(outcomes.map(({ kind }) => kind).sort()).toEqual([...Array(49).fill("duplicate"), "stored"]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ position: { epoch: end.epoch, offset: 1 } });
    expect(end.offset).toBe(2);
    expect(heard.messages.length).toBe(2);
  });

  test.each([
    ["data", { payload: { json: "[2]", binary: false } }],
    ["whitespace in its data", { payload: { json: "[1] ", binary: false } }],
    ["event", { event: "other" as EventName }],
    ["exceptions", { except: ["someone else"] }],
  ])("the same id with another %s is a conflict, and stores nothing", async (_what, change) => {
    const { brokers } = await open();
    const draft = draftOf(newChannel(), "[1]", { id: "k", except: ["someone"] });
    await brokers[0].publish(draft, keepAll);
    expect(await brokers[1].publish({ ...draft, ...change }, keepAll)).toEqual({ kind: "conflict" });
    const [top] = await brokers[0].open([draft.channel]);
    expect(top?.offset).toBe(1);
    expect(await brokers[0].publish(draft, keepAll)).toMatchObject({ kind: "duplicate", position: { offset: 1 } });
  });

  test.each([
    ["at once", (broker: Broker, drafts: Draft[]) => Promise.all(drafts.map((draft) => broker.publish(draft, keepAll)))],
    ["as one list", (broker: Broker, drafts: Draft[]) => broker.publishEach(drafts.map((draft) => ({ draft, retain: keepAll })))],
  ])("of what is published %s each is answered by itself, in its order; a conflict holds nobody up", async (_how, publishAll) => {
    const { brokers } = await open();
    const [broker] = brokers;
    const channel = newChannel();
    await broker.publish(draftOf(channel, '"earlier"', { id: "taken" }), keepAll);
    const drafts = [
      draftOf(channel, "1"),
      draftOf(channel, '"says something else"', { id: "taken" }),
      draftOf(channel, "2", { id: "new" }),
      draftOf(channel, "2", { id: "new" }),
      draftOf(channel, "3", { id: "new" }),
      draftOf(neighbourOf(channel, broker), '"in another channel"'),
      draftOf(channel, '"earlier"', { id: "taken" }),
      ...Array.from({ length: 120 }, (_, number) => draftOf(channel, String(number + 4))),
    ];
    const outcomes = await publishAll(broker, drafts);
    const said = outcomes.map((outcome) => ("position" in outcome ? [outcome.kind, outcome.position.offset] : outcome.kind));
    expect(said).toEqual([
      ["stored", 2],
      "conflict",
      ["stored", 3],
      ["duplicate", 3],
      "conflict",
      ["stored", 1],
      ["duplicate", 1],
      ...Array.from({ length: 120 }, (_, number) => ["stored", number + 4]),
    ]);
  });

  test("a list says how many replicas have each, where that was asked for, and an empty one is answered at once", async () => {
    const { brokers } = await open();
    const [channel, other] = [newChannel(), newChannel()];
    const items = [channel, other, channel].map((each) => ({ draft: draftOf(each, "1"), retain: keepAll }));
    const replicas = expect.any(Number) as number;
    expect(await brokers[0].publishEach(items, { durable: true })).toMatchObject([
      { kind: "stored", position: { offset: 1 }, replicas },
      { kind: "stored", position: { offset: 1 }, replicas },
      { kind: "stored", position: { offset: 2 }, replicas },
    ]);
    expect(await brokers[0].publishEach([])).toEqual([]);
  });

  test("the same id in another channel is another publication", async () => {
    const { brokers } = await open();
    for (const channel of [newChannel(), newChannel()]) {
      expect(await brokers[0].publish(draftOf(channel, "1", { id: "k" }), keepAll)).toMatchObject({ kind: "stored" });
    }
  });

  test("no two pairs of channel and id are taken for one another", async () => {
    const { brokers } = await open();
    const [short, long] = [channelName("a"), channelName("a:b")];
    expect(await brokers[0].publish(draftOf(short, "1", { id: "b:c" }), keepAll)).toMatchObject({ kind: "stored" });
    expect(await brokers[0].publish(draftOf(long, "1", { id: "c" }), keepAll)).toMatchObject({ kind: "stored" });
  });

  test("an id is forgotten after its time, and then it may be used again", async () => {
    const { brokers } = await open({ idLifeMs: 100 });
    const channel = newChannel();
    const outcome = await brokers[0].publish(draftOf(channel, "1", { id: "k" }), keepAll);
    expect(outcome).toMatchObject({ kind: "stored", position: { offset: 1 } });
    await until(async () => {
      const again = await brokers[1].publish(draftOf(channel, "2", { id: "k" }), keepAll);
      return again.kind === "stored" ? undefined : `it is a ${again.kind}`;
    });
    expect(await brokers[0].publish(draftOf(channel, "2", { id: "k" }), keepAll)).toMatchObject({ position: { offset: 2 } });
  });

  test("an id is remembered where no log is kept", async () => {
    const { brokers } = await open();
    const draft = draftOf(newChannel(), "1", { id: "k" });
    const noLog = { count: 0, seconds: 60 };
    expect(await brokers[0].publish(draft, noLog)).toMatchObject({ kind: "stored", position: { offset: 1 } });
    expect(await brokers[1].publish(draft, noLog)).toMatchObject({ kind: "duplicate", position: { offset: 1 } });
  });
}

function channels(open: OpenBrokerWorld): void {
  test("opening gives an unused channel its epoch, which its first publication has as well", async () => {
    const { brokers } = await open();
    const [used, unused] = [newChannel(), newChannel()];
    const position = await publish(brokers[0], used, "1");
    const tops = await brokers[0].open([unused, used, unused]);
    expect(tops).toMatchObject([
      { channel: unused, offset: 0, seq: 0 },
      { channel: used, ...position },
      { channel: unused, offset: 0, seq: 0 },
    ]);
    expect(tops[0]?.epoch).not.toBe("");
    expect(await brokers[1].open([unused])).toEqual([tops[0]]);
    expect(await publish(brokers[1], unused, "1")).toEqual({ epoch: tops[0]?.epoch, offset: 1 });
  });

  test("opening many channels at once answers each in its place, and opening none answers none", async () => {
    const { brokers } = await open();
    const many = Array.from({ length: 450 }, newChannel);
    await publish(brokers[0], many[333] ?? newChannel(), "1");
    const tops = await brokers[0].open(many);
    expect(tops.map(({ channel }) => channel)).toEqual(many);
    expect(tops.flatMap(({ offset }, index) => (offset === 1 ? [index] : []))).toEqual([333]);
    expect(await brokers[0].open([])).toEqual([]);
  });

  test("a renewed channel starts again at 1 with an empty log and another epoch", async () => {
    const { brokers } = await open();
    const channel = newChannel();
    await publishNumbers(brokers[0], channel, 3);
    const [before] = await brokers[0].open([channel]);
    const after = await brokers[0].renew(channel, before?.epoch ?? "");
    expect(after).toMatchObject({ channel, offset: 0, seq: 0 });
    expect(after.epoch).not.toBe(before?.epoch);
    expect(await brokers[1].read(channel, { from: "end", limit: 10 }, keepAll)).toMatchObject({ first: 1, publications: [] });
    expect(await publish(brokers[1], channel, "1")).toEqual({ epoch: after.epoch, offset: 1 });
    const { publications, top } = await brokers[0].read(channel, { from: "end", limit: 10 }, keepAll);
    expect(publications).toMatchObject([{ offset: 1, previous: 0, payload: { json: "1" } }]);
    expect(top.seq).toBeGreaterThan(before?.seq ?? 0);
  });

  test("of those who renew the same epoch only the first does it, and all are told the same top", async () => {
    const { brokers } = await open();
    const channel = newChannel();
    const { epoch } = await publish(brokers[0], channel, "1");
    const tops = await Promise.all([brokers[0].renew(channel, epoch), brokers[1].renew(channel, epoch)]);
    expect(tops[0]).toEqual(tops[1]);
    expect(await brokers[0].renew(channel, "anotherEpoch")).toEqual(tops[0]);
    expect(await brokers[0].open([channel])).toEqual([tops[0]]);
  });

  test("a channel is described with its top and the length of its log, and undefined before its first use", async () => {
    const { brokers } = await open();
    const channel = newChannel();
    expect(await brokers[0].describe(channel, keepAll)).toBeUndefined();
    await publishNumbers(brokers[0], channel, 7, { count: 5, seconds: 60 });
    const [top] = await brokers[0].open([channel]);
    const state = await brokers[1].describe(channel, { count: 5, seconds: 60 });
    expect(state).toEqual({ top: { epoch: top?.epoch, offset: 7, seq: top?.seq }, retained: 5 });
  });

  test.each([
    ["__proto__", "__proto__"],
    ["constructor", "constructor"],
    ["of every allowed character", "azAZ09_.:@#=+/-"],
    ["of 255 bytes", "x".repeat(255)],
    ["that looks like a key", "fanfare:meta:log:seq:id"],
    ["of signs only", "#/#::--==++"],
  ])("a channel named %s is a channel like any other", async (_what, name) => {
    const world = await open();
    const channel = channelName(name);
    const heard = await listen(world, channel);
    const position = await publish(world.brokers[0], channel, "1", { id: "__proto__" });
    await until(() => (heard.messages.length < 1 ? "heard nothing" : undefined));
    expect(heard.announcements[0]).toMatchObject(position);
    expect(await world.brokers[1].read(channel, { from: "end", limit: 1 }, keepAll)).toMatchObject({
      top: position,
      publications: [{ channel, id: "__proto__", payload: { json: "1" } }],
    });
    expect(await world.brokers[1].purge(channel)).toBe(1);
  });

  test("the bookmark of an announcement is its seq", async () => {
    const world = await open();
    const channel = newChannel();
    const heard = await listen(world, channel);
    await publish(world.brokers[0], channel, "1");
    await until(() => (heard.messages.length < 1 ? "heard nothing" : undefined));
    const [announced] = heard.announcements;
    const args = JSON.parse(Buffer.from(announced?.args ?? []).toString()) as unknown[];
    expect(parseBookmark(args.at(-1))).toEqual({ seqs: [announced?.seq] });
  });

  test("a ping is answered", async () => {
    const { brokers } = await open();
    await Promise.all(brokers.map((broker: Broker) => broker.ping()));
  });
}
