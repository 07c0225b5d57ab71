import fc from "fast-check";
import { expect, test } from "vitest";
import { channelName } from "./channel.ts";
import { defaultEvent } from "./event.ts";
import { limits } from "./limits.ts";
import { livePage } from "./live-page.ts";
import type { LogRange, LogSlice } from "./ports/broker.ts";
import type { Publication } from "./publication.ts";

const channel = channelName("a");
const retain = { count: 5_000, seconds: 60 };

/** A log from `first` on, in which those of `expired` have expired. */
function logOf(first: number, expired: readonly boolean[], json = "1") {
  const publications = expired.map((over, index): Publication => {
    const offset = first + index;
    const place = { epoch: "e", offset, seq: offset, previous: offset - 1 };
    return { channel, event: defaultEvent, payload: { json, binary: false }, ...place, ...(over ? { expired: true } : {}) };
  });
  const offset = first + expired.length - 1;
  let reads = 0;
  return {
    get reads() {
      return reads;
    },
    live: publications.filter((one) => one.expired !== true).map((one) => one.offset),
    async read(_channel: unknown, range: LogRange): Promise<LogSlice> {
      reads++;
      const slice = { top: { epoch: "e", offset, seq: offset }, first };
      if (range.from === "after") {
        const wanted = publications.filter((one) => one.offset > range.offset);
        return sliceOf(slice, wanted.slice(0, range.limit));
      }
      const wanted = publications.filter((one) => range.from === "end" || (range.from === "before" && one.offset < range.offset));
      return sliceOf(slice, wanted.slice(Math.max(0, wanted.length - range.limit)));
    },
  };
}

function sliceOf(slice: Pick<LogSlice, "top" | "first">, publications: readonly Publication[]): LogSlice {
  return { ...slice, publications, payloadBytes: publications.reduce((sum, { payload }) => sum + payload.json.length, 0) };
}

test("what is read is counted, also of what has expired and is not shown", async () => {
  const json = JSON.stringify("x".repeat(10_000));
  const { publications, readBytes } = await livePage(
    logOf(1, [true, true, false], json),
    channel,
    { from: "end", limit: 1 },
    retain,
  );
  expect(publications).toHaveLength(1);
  expect(readBytes).toBeGreaterThan(10_000);
  const all = await livePage(logOf(1, [false, true, true, true], json), channel, { from: "end", limit: 1 }, retain);
  expect(all.publications).toHaveLength(1);
  expect(all.readBytes).toBeGreaterThan(40_000);
});

test("pages in either direction show everything that lives, in full pages, and come to an end", async () => {
  const logs = fc.record({
    first: fc.integer({ min: 1, max: 50 }),
    expired: fc.array(fc.boolean(), { maxLength: 60 }),
    limit: fc.integer({ min: 1, max: 9 }),
    reverse: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(logs, async ({ first, expired, limit, reverse }) => {
      const log = logOf(first, expired);
      const seen: number[] = [];
      let range: LogRange = reverse ? { from: "end", limit } : { from: "after", offset: 0, limit };
      for (let pages = 0; pages < 100; pages++) {
        const { publications, more } = await livePage(log, channel, range, retain);
        const offsets = publications.map(({ offset }) => offset);
        seen.push(...(reverse ? offsets.toReversed() : offsets));
        const rest = log.live.length - seen.length;
        expect(offsets.length === limit || rest === 0).toBe(true);
        if (!more) break;
        const edge = seen.at(-1) as number;
        range = reverse ? { from: "before", offset: edge, limit } : { from: "after", offset: edge, limit };
      }
      expect(seen).toEqual(reverse ? log.live.toReversed() : log.live);
    }),
  );
});

test("a page costs one reading where nothing has expired, and few where nearly everything has", async () => {
  const fresh = logOf(
    1,
    Array.from({ length: 100 }, () => false),
  );
  await livePage(fresh, channel, { from: "after", offset: 0, limit: 10 }, retain);
  expect(fresh.reads).toBe(1);
  const old = logOf(
    1,
    Array.from({ length: 5_000 }, (_, index) => index > 0),
  );
  await livePage(old, channel, { from: "end", limit: 1 }, retain);
  expect(old.reads).toBeLessThanOrEqual(6);
});

test("a page of large publications ends by bytes, and says that there is more", async () => {
  const log = logOf(1, Array(10).fill(false), "x".repeat(limits.pageBytesMax / 2));
  const page = await livePage(log, channel, { from: "after", offset: 0, limit: 2 }, retain);
  expect(page).toMatchObject({ publications: [{ offset: 1 }, { offset: 2 }], more: true });
  // A broker answers with less than was asked for.
  const short = { read: (_: unknown, range: LogRange) => log.read(channel, { ...range, limit: 2 }) };
  const first = await livePage(short, channel, { from: "after", offset: 0, limit: 9 }, retain);
  expect(first.publications.map(({ offset }) => offset)).toEqual([1, 2]);
  expect(first.more).toBe(true);
});
