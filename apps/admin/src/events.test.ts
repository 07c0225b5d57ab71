import { type AddressInfo, connect, type Socket } from "node:net";
import { type LifecycleDraft, lifecycleStart, limits } from "@fanfare/domain";
import { until } from "@fanfare/test-support";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeAll(async () => {
  admin = await testAdmin({ keys: ["all:a-secret", "publisher:p-secret:publish"] });
  const { lifecycle } = admin.backend;
  const about = { at: 1, node: "a", connection: "x", user: "ada" };
  await lifecycle.append("a", "1", [
    { ...about, type: "connected" },
    { ...about, type: "subscribed", channel: "news:1" },
    { ...about, type: "subscribed", channel: "newsroom", user: "eve" },
    { ...about, type: "disconnected", reason: "data\n\nid: 7-7" },
  ]);
});
afterAll(() => admin.close());

const get = (query: string, headers = {}) => call(admin, "GET", `/v1/events?follow=false${query}`, { headers });
const heard = ({ text }: { text: string }) =>
  text
    .split("\n")
    .flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6)) as { channel?: string; type: string }] : []));

const thousand = (node: string, batch: number) =>
  Array.from({ length: 1_000 }, (_, at): LifecycleDraft => ({ type: "connected", at, node, connection: `${batch}-${at}` }));

test("an event is one block with its id, its type and its JSON, whatever stands in it", async () => {
  const { status, headers, text } = await get("");
  expect([status, headers["content-type"]]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const { events } = await admin.backend.lifecycle.read(lifecycleStart, 10);
  expect(text).toBe(events.map((event) => `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""));
});

test.each([
  ["types=connected,disconnected", 2],
  ["channel=news:1", 1],
  ["channel=news*", 2],
  ["channel=news:*", 1],
  ["channel=*", 2],
  ["user=ada", 3],
  ["user=ada&types=subscribed&channel=news*", 1],
])("%s lets %i of four pass", async (query, count) => {
  expect(heard(await get(`&${query}`))).toHaveLength(count);
});

test("the header goes before the address, and a place that is gone is told", async () => {
  const { events } = await admin.backend.lifecycle.read(lifecycleStart, 10);
  expect(heard(await get("&after=0-0", { "last-event-id": events[2]?.id }))).toMatchObject([{ type: "disconnected" }]);
  expect((await get("&after=1-1")).text).toMatch(/^event: gap\ndata: \{\}\n\nid: /);
});

test.each(["types=nothing", "types=", "channel=a%20b", "after=x", "follow=maybe", "user="])("%s is refused", async (query) => {
  const { status, body } = await get(`&${query}`.replace("&follow", "&x=1&follow"));
  expect([status, body.code]).toEqual([400, "REQUEST_INVALID"]);
});

test("a wrong header is refused, headers alone are not to be had, and the scope is asked for", async () => {
  expect((await get("", { "last-event-id": "x" })).status).toBe(400);
  expect((await call(admin, "HEAD", "/v1/events")).status).toBe(405);
  expect((await call(admin, "GET", "/v1/events?follow=false", { key: "p-secret" })).status).toBe(403);
  expect((await call(admin, "GET", "/v1/webhooks/dead", { key: "p-secret" })).status).toBe(403);
  expect((await call(admin, "POST", "/v1/webhooks/dead/replay", { key: "p-secret", body: {} })).status).toBe(403);
});

test("whoever does not follow is given ten thousand events, of those that pass, and told where to go on", async () => {
  const long = await testAdmin();
  onTestFinished(() => long.close());
  const { lifecycle } = long.backend;
  for (let batch = 0; batch < 10; batch++) await lifecycle.append("a", `${batch}`, thousand("a", batch));
  const place = await lifecycle.newest();
  await lifecycle.append("a", "left", [{ type: "node_left", at: 1, node: "b", reason: "lost" }]);
  const ask = (after: string) => call(long, "GET", `/v1/events?follow=false&types=node_left&after=${after}`);
  expect((await ask(lifecycleStart)).text).toBe(`id: ${place}\nevent: more\ndata: {}\n\n`);
  const rest = await ask(place);
  expect([rest.text.includes("event: more"), heard(rest)]).toMatchObject([false, [{ type: "node_left", node: "b" }]]);
});

test("streams that do not follow take places, too, and give them back when they have ended", async () => {
  const full = await testAdmin();
  onTestFinished(() => full.close());
  const { lifecycle } = full.backend;
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reads = vi.spyOn(lifecycle, "read").mockImplementation(() => gate.then(() => ({ events: [], gap: false })));
  const ask = () => call(full, "GET", "/v1/events?follow=false");
  const places = Array.from({ length: limits.eventStreamsMax }, ask);
  await until(() => (reads.mock.calls.length === places.length ? undefined : `${reads.mock.calls.length} streams read`));
  expect((await ask()).body).toMatchObject({ code: "RATE_LIMITED", status: 429 });
  open();
  expect((await Promise.all(places)).map(({ status }) => status)).toEqual(places.map(() => 200));
  expect((await ask()).status).toBe(200);
});

test("a listener that takes nothing is given no more than its connection holds, and leaves nothing behind", async () => {
  const slow = await testAdmin();
  const { lifecycle } = slow.backend;
  const many = (batch: number) => thousand("n".repeat(500), batch);
  for (let batch = 0; batch < 25; batch++) await lifecycle.append("a", `${batch}`, many(batch));
  await slow.app.listen({ host: "127.0.0.1", port: 0 });
  const sockets = new Set<Socket>();
  slow.app.server.on("connection", (socket: Socket) => sockets.add(socket));
  const { port } = slow.app.server.address() as AddressInfo;
  const listener = connect(port, "127.0.0.1");
  listener.pause();
  listener.write(`GET /v1/events?after=0-0 HTTP/1.1\r\nHost: a\r\nX-API-Key: ${slow.key}\r\n\r\n`);
  const [socket] = await new Promise<Set<Socket>>((resolve) => {
    const look = (): void =>
      void ([...sockets].some(({ writableLength }) => writableLength > 0) ? resolve(sockets) : setTimeout(look, 10));
    look();
  });
  for (let batch = 25; batch < 30; batch++) await lifecycle.append("a", `${batch}`, many(batch));
  // A page of events, beside what the kernel has taken; all of them are eighteen megabytes.
  expect(socket?.writableLength).toBeLessThan(1_000_000);
  listener.destroy();
  await until(() => (socket?.destroyed ? undefined : "its connection is still there"));
  await slow.close();
}, 20_000);
