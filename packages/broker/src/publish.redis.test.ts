import {
  announcementPieces,
  announcementText,
  channelName,
  type Draft,
  defaultEvent,
  type EventName,
  type Retention,
  roomOf,
  type TraceParent,
} from "@fanfare/domain";
import { startRedis, type TestRedis, until } from "@fanfare/test-support";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { quiet } from "../test/quiet.ts";
import { type Backend, openBackend } from "./backend.ts";
import { idKey, logKey, metaKey, seqKey } from "./keys.ts";

const keep: Retention = { count: 1_000, seconds: 60 };
const news = channelName("news");
let redis: TestRedis;
let backend: Backend;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  backend = openBackend({ redisUrl: redis.url, cluster: "c", log: quiet });
});
afterEach(async () => {
  await backend.close();
  await redis.cli("flushall");
});

function draftOf(json: string, rest: Partial<Draft> = {}): Draft {
  return { channel: news, event: defaultEvent, payload: { json, binary: false }, ...rest };
}

async function ttlOf(key: string): Promise<number> {
  return Number(await redis.cli("pttl", key));
}

test("Lua announces to the byte what announcementText() makes of the same publication", async () => {
  const heard: Buffer[] = [];
  backend.pubSub.onMessage((_topic, message) => void heard.push(Buffer.from(message)));
  await backend.pubSub.subscribe("c#/#{0}news#");
  const drafts = fc.record({
    json: fc.oneof(fc.json(), fc.constantFrom("[]", "9007199254740993", '"\\ud800"', '"\u2028%d"')),
    binary: fc.boolean(),
    event: fc.string({ minLength: 1, unit: "grapheme" }),
    id: fc.option(fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" }), { nil: undefined }),
    except: fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/), { maxLength: 3 }),
    traceparent: fc.constantFrom(undefined, `00-${"1".repeat(32)}-${"2".repeat(16)}-01` as TraceParent),
    count: fc.constantFrom(0, 1, 1_000),
  });
  let published = 0;
  await fc.assert(
    fc.asyncProperty(drafts, async ({ json, binary, event, id, except, traceparent, count }) => {
      // Ids are made unique, or a shrunk example would be a duplicate.
      const draft = draftOf(json, {
        event: event as EventName,
        payload: { json, binary },
        id: id === undefined ? undefined : `${id}${published}`,
        except,
        traceparent,
      });
      const outcome = await backend.broker.publish(draft, { count, seconds: 60 });
      if (outcome.kind !== "stored") expect.fail(outcome.kind);
      published++;
      await until(() => (heard.length < published ? `heard only ${heard.length}` : undefined));
      const previous = Number(/:([0-9]+)"/.exec(heard.at(-1)?.toString() ?? "")?.[1]);
      const place = { ...outcome.position, seq: await backend.broker.frontier(0), previous };
      const expected = announcementText(announcementPieces(draft, roomOf(news, 0), count > 0), place);
      expect(heard.at(-1)?.toString()).toBe(expected);
    }),
    { numRuns: 200 },
  );
});

describe("what a publication leaves in Redis", () => {
  test("lives as long as it is of use, and no key lives for ever but the clock", async () => {
    await backend.broker.publish(draftOf("1", { id: "k" }), { count: 10, seconds: 60 });
    expect(await redis.cli("dbsize")).toBe(4);
    const day = 86_400_000;
    expect(await ttlOf(metaKey("c", 0, news))).within(day - 5_000, day);
    expect(await ttlOf(logKey("c", 0, news))).within(55_000, 60_000);
    expect(await ttlOf(idKey("c", 0, news, "k"))).within(595_000, 600_000);
    expect(await ttlOf(seqKey("c", 0))).toBe(-1);
  });

  test("outlives a long log: the channel is remembered for twice as long", async () => {
    await backend.broker.publish(draftOf("1"), { count: 10, seconds: 7 * 86_400 });
    expect(await ttlOf(metaKey("c", 0, news))).within(14 * 86_400_000 - 5_000, 14 * 86_400_000);
    // Neither a shorter retention nor opening takes that back.
    await backend.broker.publish(draftOf("2"), { count: 10, seconds: 1 });
    await backend.broker.open([news]);
    expect(await ttlOf(metaKey("c", 0, news))).greaterThan(13 * 86_400_000);
  });

  test("is kept from being forgotten by opening the channel", async () => {
    await backend.broker.open([news]);
    await redis.cli("pexpire", metaKey("c", 0, news), "5000");
    await backend.broker.open([news]);
    expect(await ttlOf(metaKey("c", 0, news))).greaterThan(80_000_000);
  });

  test("is no more than the channel retains, and no less", async () => {
    for (let number = 1; number <= 130; number++)
      await backend.broker.publish(draftOf(String(number)), { count: 129, seconds: 60 });
    expect(await redis.cli("xlen", logKey("c", 0, news))).toBe(129);
  });

  test("shrinks by age as well, where many short-lived publications are kept", async () => {
    const retain = { count: 100_000, seconds: 0.3 };
    for (let turn = 0; turn < 100; turn++) await backend.broker.publish(draftOf("1"), retain);
    await until(async () => {
      for (let turn = 0; turn < 64; turn++) await backend.broker.publish(draftOf("1"), retain);
      const { top } = await backend.broker.read(news, { from: "end", limit: 0 }, retain);
      const held = Number(await redis.cli("xlen", logKey("c", 0, news)));
      return held < top.offset - 100 ? undefined : `Redis holds ${held} of ${top.offset}`;
    });
    const slice = await backend.broker.read(news, { from: "after", offset: 0, limit: 100_000 }, retain);
    expect(slice.publications[0]?.offset).toBe(slice.first);
    expect(slice.publications.length).toBe(slice.top.offset + 1 - slice.first);
  });
});

describe("when Redis has lost part of its data", () => {
  test("a channel whose hash was evicted starts a new epoch, and its old log is gone", async () => {
    for (const json of ["1", "2", "3"]) await backend.broker.publish(draftOf(json), keep);
    const [before] = await backend.broker.open([news]);
    await redis.cli("del", metaKey("c", 0, news));
    const outcome = await backend.broker.publish(draftOf("4"), keep);
    expect(outcome).toMatchObject({ kind: "stored", position: { offset: 1 } });
    const slice = await backend.broker.read(news, { from: "after", offset: 0, limit: 10 }, keep);
    expect(slice.top.epoch).not.toBe(before?.epoch);
    expect(slice.publications).toMatchObject([{ offset: 1, previous: 0, payload: { json: "4" } }]);
  });

  test("opening such a channel drops the old log too", async () => {
    await backend.broker.publish(draftOf("1"), keep);
    await redis.cli("del", metaKey("c", 0, news));
    await backend.broker.open([news]);
    expect(await redis.cli("exists", logKey("c", 0, news))).toBe(0);
  });

  test("a channel whose log was evicted counts on and reads as empty", async () => {
    for (const json of ["1", "2"]) await backend.broker.publish(draftOf(json), keep);
    await redis.cli("del", logKey("c", 0, news));
    const range = { from: "afterSeq", seq: 0, limit: 10 } as const;
    expect(await backend.broker.read(news, range, keep)).toMatchObject({ top: { offset: 2 }, first: 3, publications: [] });
    await backend.broker.publish(draftOf("3"), keep);
    expect(await backend.broker.read(news, range, keep)).toMatchObject({ first: 3, publications: [{ offset: 3 }] });
  });

  test("seqs go on growing when all is lost, because they are made from the time", async () => {
    await backend.broker.publish(draftOf("1"), keep);
    const before = await backend.broker.frontier(0);
    await redis.cli("flushall");
    expect(await backend.broker.frontier(0)).toBe(0);
    await backend.broker.publish(draftOf("1"), keep);
    expect(await backend.broker.frontier(0)).toBeGreaterThan(before);
  });

  test("seqs go on growing when the clock of the machine is set back", async () => {
    const future = Date.now() * 1_000 + 3_600_000_000;
    await redis.cli("set", seqKey("c", 0), String(future));
    await backend.broker.publish(draftOf("1"), keep);
    expect(await backend.broker.frontier(0)).toBe(future + 1);
  });

  test("scripts that Redis has forgotten are sent again, and nobody notices", async () => {
    await backend.broker.publish(draftOf("0"), keep);
    await redis.cli("script", "flush");
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, number) => backend.broker.publish(draftOf(String(number)), keep)),
    );
    expect(outcomes.every(({ kind }) => kind === "stored")).toBe(true);
    await redis.cli("script", "flush");
    expect(await backend.broker.describe(news, keep)).toMatchObject({ top: { offset: 21 }, retained: 21 });
    expect(await backend.broker.open([news])).toMatchObject([{ offset: 21 }]);
  });
});

test("a full Redis stores nothing: neither a publication nor an offset nor an announcement", async () => {
  let heard = 0;
  backend.pubSub.onMessage(() => heard++);
  const [old, unused] = [channelName("old"), channelName("unused")];
  await Promise.all(["old", "unused"].map((name) => backend.pubSub.subscribe(`c#/#{0}${name}#`)));
  const draft = draftOf('"x"', { channel: old, id: "before" });
  await backend.broker.publish(draft, keep);
  await redis.cli("config", "set", "maxmemory", "1");
  try {
    const full = expect.objectContaining({ code: "BROKER_FULL" });
    await expect(backend.broker.publish(draftOf("2", { channel: old }), keep)).rejects.toEqual(full);
    await expect(backend.broker.publish(draftOf("2", { channel: old, id: "k" }), keep)).rejects.toEqual(full);
    await expect(backend.broker.publish(draftOf("1", { channel: unused }), keep)).rejects.toEqual(full);
    await expect(backend.broker.publish(draftOf("1", { channel: unused }), { count: 0, seconds: 1 })).rejects.toEqual(full);
    // What needs no memory goes on.
    expect(await backend.broker.publish(draft, keep)).toMatchObject({ kind: "duplicate" });
    expect(await backend.broker.describe(old, keep)).toMatchObject({ top: { offset: 1 }, retained: 1 });
    expect(await backend.broker.describe(unused, keep)).toBeUndefined();
  } finally {
    await redis.cli("config", "set", "maxmemory", "0");
  }
  expect(await backend.broker.publish(draftOf("2", { channel: old, id: "k" }), keep)).toMatchObject({
    kind: "stored",
    position: { offset: 2 },
  });
  await until(() => (heard < 2 ? `heard ${heard}` : undefined));
  expect(heard).toBe(2);
});

test("what is published at once over a new connection asks for no script that Redis has forgotten", async () => {
  const publishMany = () =>
    backend.broker.publishEach(Array.from({ length: 200 }, (_, n) => ({ draft: draftOf(`${n}`), retain: keep })));
  const refusals = async () => /errorstat_NOSCRIPT:count=(\d+)/.exec(String(await redis.cli("info", "errorstats")))?.[1];
  await publishMany();
  await redis.cli("config", "resetstat");
  await redis.cli("script", "flush");
  await redis.cli("client", "kill", "type", "normal");
  await until(async () => {
    const [outcome] = await publishMany();
    return outcome?.kind === "stored" ? undefined : "not back yet";
  });
  expect(await refusals()).toBeUndefined();
  // Somebody flushes them while the connection lives: nothing is lost.
  await redis.cli("script", "flush");
  expect((await publishMany()).map(({ kind }) => kind)).toEqual(Array(200).fill("stored"));
  expect(await refusals()).toBeDefined();
});
