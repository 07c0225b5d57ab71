import { channelName, type Draft, defaultEvent, limits, type Retention } from "@fanfare/domain";
import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";

const keep: Retention = { count: 100, seconds: 60 };
const news = channelName("news");
const hourMs = 3_600_000;

function started() {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ cluster: "c", pubSub: new MemoryPubSub(), clock });
  return { clock, broker };
}

function draftOf(json: string, rest: Partial<Draft> = {}): Draft {
  return { channel: news, event: defaultEvent, payload: { json, binary: false }, ...rest };
}

test("a channel that nobody uses for a day is forgotten, and then has a new epoch", async () => {
  const { clock, broker } = started();
  await broker.publish(draftOf("1"), keep);
  const [before] = await broker.open([news]);
  clock.advance(23 * hourMs);
  expect(await broker.describe(news, keep)).toMatchObject({ top: { offset: 1 }, retained: 0 });
  clock.advance(2 * hourMs);
  expect(await broker.describe(news, keep)).toBeUndefined();
  const [after] = await broker.open([news]);
  expect(after).toMatchObject({ offset: 0 });
  expect(after?.epoch).not.toBe(before?.epoch);
});

test("a channel that is opened every now and then is not forgotten", async () => {
  const { clock, broker } = started();
  await broker.publish(draftOf("1"), keep);
  for (let day = 0; day < 5; day++) {
    clock.advance(20 * hourMs);
    expect(await broker.open([news])).toMatchObject([{ offset: 1 }]);
  }
});

test("an id is remembered as long as the limits say", async () => {
  const { clock, broker } = started();
  await broker.publish(draftOf("1", { id: "k" }), keep);
  clock.advance(limits.idempotencySeconds * 1_000 - 1);
  expect(await broker.publish(draftOf("1", { id: "k" }), keep)).toMatchObject({ kind: "duplicate" });
  clock.advance(1);
  expect(await broker.publish(draftOf("1", { id: "k" }), keep)).toMatchObject({ kind: "stored", position: { offset: 2 } });
});

test("seqs grow while the clock stands still and when it is set back", async () => {
  const { clock, broker } = started();
  await broker.publish(draftOf("1"), keep);
  const first = await broker.frontier();
  await broker.publish(draftOf("2"), keep);
  expect(await broker.frontier()).toBe(first + 1);
  clock.advance(-10_000);
  await broker.publish(draftOf("3"), keep);
  expect(await broker.frontier()).toBe(first + 2);
});
