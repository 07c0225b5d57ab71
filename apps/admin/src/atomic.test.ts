import { limits } from "@fanfare/domain";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeEach(async () => {
  admin = await testAdmin({ keys: ["test:a-secret", "narrow:narrow-secret:publish:news"] });
});
afterEach(() => admin.close());

const batch = (items: readonly object[], key?: string) =>
  call(admin, "POST", "/v1/publish/batch", { body: { items, atomic: true }, ...(key === undefined ? {} : { key }) });
const offsets = async (channel: string): Promise<number[]> =>
  (await call(admin, "GET", `/v1/channels/${channel}/history`)).body.publications.map(({ offset }: { offset: number }) => offset);

test("an atomic batch is stored as a whole, in the order of its items, with an answer of the usual shape for each", async () => {
  const { status, body } = await batch([
    { channel: "news", data: 1 },
    { channels: ["news", "other"], data: 2, id: "x" },
    { channel: "news", data: 3, durable: true },
  ]);
  expect(status).toBe(200);
  expect(body.results).toMatchObject([
    { channel: "news", offset: 1, duplicate: false, replicas: 0 },
    {
      results: [
        { channel: "news", offset: 2 },
        { channel: "other", offset: 1 },
      ],
    },
    { channel: "news", offset: 3 },
  ]);
  const { text } = await call(admin, "GET", "/v1/channels/news/history");
  expect([...text.matchAll(/"data":(\d)/g)].map(([, data]) => data)).toEqual(["1", "2", "3"]);
});

test("a retry is answered as the first time, and stores nothing twice", async () => {
  const items = [1, 2, 3].map((data) => ({ channel: "news", data, id: `id ${data}` }));
  const first = await batch(items);
  const retry = await batch(items);
  expect(retry.body.results).toEqual(first.body.results.map((result: object) => ({ ...result, duplicate: true })));
  expect(await offsets("news")).toEqual([1, 2, 3]);
});

test.each([
  ["an item that has not the shape", { channel: "news" }, 400, "REQUEST_INVALID", "/items/1"],
  ["a channel that cannot be", { channel: "a b", data: 1 }, 400, "REQUEST_INVALID", "/items/1/channel"],
  ["an event that is reserved", { channel: "news", data: 1, event: "connect" }, 400, "EVENT_INVALID", "/items/1"],
  ["an id that says something else", { channel: "news", data: 2, id: "used" }, 409, "ID_CONFLICT", "/items/1/id"],
  ["a time", { channel: "news", data: 2, at: 9e12 }, 400, "REQUEST_INVALID", "/items/1"],
])("%s refuses all of it, and says which item", async (_what, wrong, status, code, path) => {
  await call(admin, "POST", "/v1/publish", { body: { channel: "news", data: 1, id: "used" } });
  const { body } = await batch([{ channels: ["news", "other"], data: 1 }, wrong, { channel: "news", data: 1 }]);
  expect(body).toMatchObject({ status, code });
  expect(body.errors[0].path).toContain(path);
  expect([await offsets("news"), await offsets("other")]).toEqual([[1], []]);
});

test("a key that may not publish in one of the channels publishes in none", async () => {
  const items = [
    { channel: "news", data: 1 },
    { channel: "other", data: 1 },
  ];
  expect((await batch(items, "narrow-secret")).status).toBe(403);
  expect(await offsets("news")).toEqual([]);
});

test("more than may hold everybody up is refused with a code", async () => {
  const channels = Array.from({ length: 100 }, (_, n) => `c${n}`);
  const items = Array.from({ length: Math.ceil((limits.atomicMax + 1) / 100) }, () => ({ channels, data: 1 }));
  expect((await batch(items)).body).toMatchObject({
    status: 422,
    code: "ATOMIC_UNSUPPORTED",
    detail: expect.stringContaining("250"),
  });
  expect(await offsets("c0")).toEqual([]);
});
