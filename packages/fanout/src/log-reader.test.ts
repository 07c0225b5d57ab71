import { channelName, defaultEvent } from "@fanfare/domain";
import { expect, test } from "vitest";
import { ModelBroker, retention } from "../test/world.ts";
import { LogReader } from "./log-reader.ts";

const news = channelName("news");
const payload = { json: "0", binary: false };

function filled(count: number) {
  const broker = new ModelBroker();
  for (let n = 0; n < count; n++) broker.publishNow({ channel: news, event: defaultEvent, payload }, true);
  const reads: unknown[] = [];
  const counting = {
    read: (...args: Parameters<ModelBroker["read"]>) => {
      reads.push(args[1]);
      return broker.read(...args);
    },
  };
  return { broker, reads, reader: new LogReader(Object.assign(Object.create(broker), counting), () => retention) };
}

test("five thousand that recover the same channel at once cost a handful of reads", async () => {
  const { reader, reads } = filled(900);
  const slices = await Promise.all(Array.from({ length: 5_000 }, (_, n) => reader.read(news, "after", n % 900)));
  expect(reads.length).toBeLessThanOrEqual(3);
  for (const [n, { publications }] of slices.entries()) {
    const offsets = publications.map(({ offset }) => offset).filter((offset) => offset > n % 900);
    expect(offsets).toEqual(Array.from({ length: 900 - (n % 900) }, (_, index) => (n % 900) + index + 1));
  }
}, 60_000);

test("a read holds what was stored before it was asked for, also when it joins others", async () => {
  const { broker, reader } = filled(10);
  const first = reader.read(news, "after", 0);
  broker.publishNow({ channel: news, event: defaultEvent, payload }, true);
  const second = await reader.read(news, "after", 0);
  expect(second.publications.at(-1)?.offset).toBe(11);
  await first;
});

test("a long log is read page by page, to its end", async () => {
  const { reader, reads } = filled(3_500);
  const { publications, first } = await reader.read(news, "afterSeq", 500);
  expect([first, publications[0]?.seq, publications.length]).toEqual([1, 501, 3_000]);
  expect(reads).toHaveLength(3);
});

test("what is further behind than can be replayed counts as no longer there", async () => {
  const { reader } = filled(12_500);
  const { publications, first } = await reader.read(news, "after", 100);
  expect([first, publications[0]?.offset, publications.length]).toEqual([2_501, 2_501, 10_000]);
});

test("when the broker does not answer, everyone who waits is told, and the next try is a new one", async () => {
  const { broker, reader } = filled(3);
  broker.away = true;
  const tries = await Promise.allSettled([reader.read(news, "after", 0), reader.read(news, "after", 1)]);
  expect(tries.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  broker.away = false;
  expect((await reader.read(news, "after", 0)).publications).toHaveLength(3);
});
