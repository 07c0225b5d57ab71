import { channelName, type OwnedConnection } from "@fanfare/domain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeAll(async () => {
  admin = await testAdmin({ keys: ["all:a-secret", "publisher:p-secret:publish"] });
  const { registry, directory } = admin.backend;
  const changed = [
    owned("c1", "ada", ["news", "news:1"], 0),
    owned("c2", "ada", ["news"], 10),
    owned("c3", "zoë/b c", ["news:1", "news:2"], 999),
    owned("c4", null, [], 0),
  ];
  await registry.write({ node: "a", after: undefined, stamp: "1", complete: true, changed, gone: [] }, 60_000);
  const record = { peerUrl: "http://127.0.0.1:1", sidPrefix: "x", startedAt: 1, connections: 0, version: "1" };
  for (const node of ["a", "silent"]) await directory.renew({ ...record, node, state: "ready" }, 60_000);
});
afterAll(() => admin.close());

function owned(id: string, user: string | null, channels: readonly string[], unsentBytes: number): OwnedConnection {
  const about = { transport: "websocket", address: "203.0.113.7", since: 5 } as const;
  return { connection: { id, user, ...about, channels: channels.map(channelName), unsentBytes }, turn: 1 };
}

const get = (path: string) => call(admin, "GET", path);
const idsOf = ({ body }: { body: { items: readonly { id: string }[] } }) => body.items.map(({ id }) => id);

test("a connection is what the contract says it is", async () => {
  const connection = {
    id: "c2",
    user: "ada",
    node: "a",
    transport: "websocket",
    address: "203.0.113.7",
    since: 5,
    channels: ["news"],
    unsentBytes: 10,
  };
  expect((await get("/v1/connections/c2")).body).toEqual(connection);
  expect((await get("/v1/connections?user=ada&limit=1&sort=unsent")).body).toEqual({
    items: [connection],
    next: null,
    nodesMissing: ["silent"],
  });
});

test("filters narrow the list together", async () => {
  expect(idsOf(await get("/v1/connections"))).toEqual(["c1", "c2", "c3", "c4"]);
  expect(idsOf(await get("/v1/connections?user=ada&channel=news:1"))).toEqual(["c1"]);
  expect(idsOf(await get("/v1/connections?node=other"))).toEqual([]);
  expect(idsOf(await get("/v1/channels/news:1/connections"))).toEqual(["c1", "c3"]);
  expect(idsOf(await get(`/v1/users/${encodeURIComponent("zoë/b c")}/connections`))).toEqual(["c3"]);
  expect(idsOf(await get("/v1/users/nobody/connections"))).toEqual([]);
});

test("those who are furthest behind come first", async () => {
  expect(idsOf(await get("/v1/connections?sort=unsent"))).toEqual(["c3", "c2"]);
});

test.each([
  ["/v1/connections", 4],
  ["/v1/connections?sort=unsent", 2],
  ["/v1/channels", 3],
  ["/v1/users", 2],
])("%s is read to its end by its cursors", async (path, count) => {
  const pages: unknown[] = [];
  let query = "limit=1";
  for (;;) {
    const { status, body } = await get(`${path}${path.includes("?") ? "&" : "?"}${query}`);
    expect([status, body.items.length]).toEqual([200, 1]);
    pages.push(body.items[0]);
    if (body.next === null) break;
    query = `limit=1&cursor=${body.next}`;
  }
  const { body } = await get(path);
  expect(pages).toEqual(body.items);
  expect(pages).toHaveLength(count);
});

test("channels come with their subscribers and users with their connections", async () => {
  expect((await get("/v1/channels?prefix=news:")).body.items).toEqual([
    { channel: "news:1", subscribers: 2 },
    { channel: "news:2", subscribers: 1 },
  ]);
  expect((await get("/v1/users")).body.items).toEqual([
    { user: "ada", connections: 2 },
    { user: "zoë/b c", connections: 1 },
  ]);
});

test("a cursor that is none, or of another list, is refused by name", async () => {
  const { next } = (await get("/v1/channels?limit=1")).body;
  for (const cursor of ["x", "%20", "AAAA", next, `${(await get("/v1/connections?limit=1")).body.next}=`]) {
    for (const path of ["/v1/connections", "/v1/users", "/v1/channels/news/connections"]) {
      const { status, body } = await get(`${path}?cursor=${cursor}`);
      expect([status, body.code, body.errors[0].path]).toEqual([400, "REQUEST_INVALID", "/cursor"]);
    }
  }
});

test("a connection that nobody knows is a 404 that says which nodes may know it", async () => {
  const { status, body } = await get("/v1/connections/nobody");
  expect([status, body.code]).toEqual([404, "NOT_FOUND"]);
  expect(body.detail).toContain("silent");
});

test("the numbers are the sum of what processes say", async () => {
  const { registry } = admin.backend;
  const node = { websocket: 3, polling: 1, publicationsPerSecond: 0.1, deliveriesPerSecond: 8 };
  await registry.report("a", node, 60_000);
  await registry.report("admin-1", { websocket: 0, polling: 0, publicationsPerSecond: 0.2, deliveriesPerSecond: 0 }, 60_000);
  expect((await get("/v1/stats")).body).toMatchObject({
    nodes: 2,
    connections: 4,
    transports: { websocket: 3, polling: 1 },
    channels: 3,
    users: 2,
    publicationsPerSecond: 0.3,
    deliveriesPerSecond: 8,
    processes: [{ process: "a", ...node }, { process: "admin-1" }],
    nodesMissing: ["silent"],
  });
});

const paths = [
  "/v1/connections",
  "/v1/connections/c1",
  "/v1/channels",
  "/v1/channels/news/connections",
  "/v1/users",
  "/v1/users/ada/connections",
  "/v1/stats",
];

test.each(paths)("%s needs the scope to read", async (path) => {
  const { status, body } = await call(admin, "GET", path, { key: "p-secret" });
  expect([status, body.code]).toEqual([403, "FORBIDDEN"]);
});

describe("while the broker is away", () => {
  let away: TestAdmin;
  beforeAll(async () => {
    away = await testAdmin({ redisUrl: "redis://127.0.0.1:1" });
  });
  afterAll(() => away.close());

  test.each(paths)("%s is a 503 that says when to try again", async (path) => {
    const { status, body, headers } = await call(away, "GET", path);
    expect([status, body.code, headers["retry-after"]]).toEqual([503, "BROKER_UNAVAILABLE", "1"]);
  });
});
