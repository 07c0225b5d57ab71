import { channelName } from "@fanfare/domain";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
let epoch: string;
beforeAll(async () => {
  admin = await testAdmin();
  const items = Array.from({ length: 10 }, (_, at) => ({
    channel: "log",
    data: at + 1,
    ...(at === 0 ? { id: "first", event: "e" } : {}),
  }));
  const { body } = await call(admin, "POST", "/v1/publish/batch", { body: { items } });
  epoch = body.results[0].epoch;
});
afterAll(() => admin.close());

async function page(query: string) {
  const { status, body } = await call(admin, "GET", `/v1/channels/log/history${query}`);
  expect(status).toBe(200);
  return { offsets: body.publications.map(({ offset }: { offset: number }) => offset), more: body.more };
}

test("a channel tells its subscribers, position and how many publications it keeps", async () => {
  const { body } = await call(admin, "GET", "/v1/channels/log");
  expect(body).toEqual({ channel: "log", subscribers: 0, epoch, offset: 10, retained: 10 });
});

test("subscribers are those of all nodes", async () => {
  const record = {
    peerUrl: "http://127.0.0.1:1",
    sidPrefix: "0123abcd",
    startedAt: 1,
    connections: 3,
    state: "ready",
    version: "1",
  } as const;
  const { directory, registry } = admin.backend;
  for (const node of ["a", "b"]) {
    await directory.renew({ ...record, node }, 60_000);
    const about = {
      user: null,
      transport: "polling",
      address: "::1",
      since: 1,
      channels: [channelName("log")],
      unsentBytes: 0,
    } as const;
    const changed = ["1", "2"].map((id) => ({ connection: { ...about, id: node + id }, turn: 1 }));
    await registry.write({ node, after: undefined, stamp: node, complete: true, changed, gone: [] }, 60_000);
  }
  const { body } = await call(admin, "GET", "/v1/channels/log");
  expect(body.subscribers).toBe(4);
  const nodes = await call(admin, "GET", "/v1/nodes");
  expect(nodes.body).toEqual({
    items: [
      { ...record, node: "a" },
      { ...record, node: "b" },
    ],
    next: null,
  });
});

test("a channel that was never used is not found, and its history is empty", async () => {
  const info = await call(admin, "GET", "/v1/channels/unused");
  expect([info.status, info.body.code]).toEqual([404, "NOT_FOUND"]);
  const { status, body } = await call(admin, "GET", "/v1/channels/unused/history");
  expect([status, body]).toEqual([200, { channel: "unused", epoch: "", offset: 0, publications: [], more: false }]);
});

test("history is oldest first and carries whole publications", async () => {
  const { body } = await call(admin, "GET", "/v1/channels/log/history");
  expect(body).toMatchObject({ channel: "log", epoch, offset: 10, more: false });
  expect(body.publications[0]).toEqual({
    channel: "log",
    event: "e",
    data: 1,
    offset: 1,
    epoch,
    id: "first",
    at: expect.any(Number),
  });
  expect(body.publications[1]).not.toHaveProperty("id");
  expect(Math.abs(body.publications[9].at - Date.now())).toBeLessThan(60_000);
});

test.each([
  ["", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false],
  ["?limit=3", [1, 2, 3], true],
  ["?reverse=true&limit=3", [10, 9, 8], true],
  ["?reverse=true", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], false],
  ["?reverse=false&limit=1000", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false],
])("history%s gives %j", async (query, offsets, more) => {
  expect(await page(query)).toEqual({ offsets, more });
});

test.each([
  [8, "", [9, 10], false],
  [8, "&limit=1", [9], true],
  [10, "", [], false],
  [99, "", [], false],
  [0, "&limit=2", [1, 2], true],
  [4, "&reverse=true", [3, 2, 1], false],
  [4, "&reverse=true&limit=2", [3, 2], true],
  [1, "&reverse=true", [], false],
  [0, "&reverse=true", [], false],
])("history since offset %i%s gives %j", async (offset, query, offsets, more) => {
  expect(await page(`?since=${epoch}:${offset}${query}`)).toEqual({ offsets, more });
});

test("pages put together are the whole log, in both directions", async () => {
  for (const reverse of [false, true]) {
    const offsets: number[] = [];
    for (let since = "", more = true; more; ) {
      const one = await page(`?limit=3&reverse=${reverse}${since}`);
      offsets.push(...one.offsets);
      since = `&since=${epoch}:${offsets.at(-1)}`;
      more = one.more;
    }
    expect(reverse ? offsets.toReversed() : offsets).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }
});

test("a position of another epoch is answered with EPOCH_CHANGED, not with a silent hole", async () => {
  for (const url of ["log/history?since=other:3", "log/history?since=other:3&reverse=true", "unused/history?since=other:3"]) {
    const { status, body } = await call(admin, "GET", `/v1/channels/${url}`);
    expect([status, body.code]).toEqual([409, "EPOCH_CHANGED"]);
  }
});

test.each([
  ["since=", "POSITION_INVALID"],
  ["since=3", "POSITION_INVALID"],
  ["since=e:-1", "POSITION_INVALID"],
  ["since=e:1.5", "POSITION_INVALID"],
  ["since=e:99999999999999999999", "POSITION_INVALID"],
  ["since=e:1&since=e:2", "REQUEST_INVALID"],
  ["limit=0", "REQUEST_INVALID"],
  ["limit=-1", "REQUEST_INVALID"],
  ["limit=1001", "REQUEST_INVALID"],
  ["limit=ten", "REQUEST_INVALID"],
  ["limit=1e2", "REQUEST_INVALID"],
  ["reverse=1", "REQUEST_INVALID"],
  ["offset=3", "REQUEST_INVALID"],
  ["__proto__=3", "REQUEST_INVALID"],
])("history?%s is refused by name", async (query, code) => {
  const { status, body } = await call(admin, "GET", `/v1/channels/log/history?${query}`);
  expect([status, body.code]).toEqual([400, code]);
});

test("emptying the log says how much is gone, keeps the position, and may be repeated", async () => {
  await call(admin, "POST", "/v1/publish", { body: { channels: ["gone"], data: 1 } });
  await call(admin, "POST", "/v1/publish", { body: { channels: ["gone"], data: 2 } });
  const first = await call(admin, "DELETE", "/v1/channels/gone/history");
  const second = await call(admin, "DELETE", "/v1/channels/gone/history");
  expect([first.body, second.body]).toEqual([{ deleted: 2 }, { deleted: 0 }]);
  expect((await call(admin, "GET", "/v1/channels/gone")).body).toMatchObject({ offset: 2, retained: 0 });
  expect((await call(admin, "DELETE", "/v1/channels/unused/history")).body).toEqual({ deleted: 0 });
});

test("a channel of every allowed character is found percent-encoded", async () => {
  const channel = "AZaz09_.:@#=+/-";
  await call(admin, "POST", "/v1/publish", { body: { channel, data: 1 } });
  const { body } = await call(admin, "GET", `/v1/channels/${encodeURIComponent(channel)}/history`);
  expect(body).toMatchObject({ channel, publications: [{ data: 1 }] });
});

test("channels that cannot be are refused in the path as well", async () => {
  for (const name of ["a".repeat(256), "ü", "a b", "a\u0000", "{0}a"]) {
    for (const suffix of ["", "/history"]) {
      const { status, body } = await call(admin, "GET", `/v1/channels/${encodeURIComponent(name)}${suffix}`);
      expect([status, body.code]).toEqual([400, "CHANNEL_INVALID"]);
    }
  }
});
