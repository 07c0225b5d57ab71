import { channelName, type TraceParent } from "@fanfare/domain";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

const traceOf = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01` as TraceParent;
const [first, second] = [traceOf("a"), traceOf("2")];

let admin: TestAdmin;
beforeEach(async () => {
  admin = await testAdmin();
});
afterEach(() => admin.close());

async function tracesIn(channel: string): Promise<(string | undefined)[]> {
  const { body } = await call(admin, "GET", `/v1/channels/${encodeURIComponent(channel)}/history`);
  return (body.publications as { traceparent?: string }[]).map(({ traceparent }) => traceparent);
}

test("the trace context of a request goes on with its publications, and the body's own goes before the header's", async () => {
  const publish = (body: object, headers = {}) => call(admin, "POST", "/v1/publish", { body: { data: 1, ...body }, headers });
  const traceparent = first;
  expect((await publish({ channel: "traced:a" }, { traceparent })).status).toBe(200);
  expect((await publish({ channel: "traced:a", traceparent })).status).toBe(200);
  expect((await publish({ channel: "traced:a", traceparent: second }, { traceparent })).status).toBe(200);
  expect((await publish({ channels: ["traced:a", "traced:b"] }, { traceparent })).status).toBe(200);
  expect((await publish({ channel: "traced:a" })).status).toBe(200);
  expect(await tracesIn("traced:a")).toEqual([first, first, second, first, undefined]);
  expect(await tracesIn("traced:b")).toEqual([first]);
});

test("items of a batch have their own or the request's, atomic or not, and lines of a stream have their own", async () => {
  const items = [
    { channel: "traced:a", data: 1 },
    { channel: "traced:a", data: 2, traceparent: second },
  ];
  for (const atomic of [false, true]) {
    const headers = { traceparent: first };
    const { status } = await call(admin, "POST", "/v1/publish/batch", { body: { items, atomic }, headers });
    expect(status).toBe(200);
  }
  const body = items.map((item) => JSON.stringify(item)).join("\n");
  const headers = { traceparent: first };
  await call(admin, "POST", "/v1/publish/stream", { type: "application/x-ndjson", body, headers });
  expect(await tracesIn("traced:a")).toEqual([first, second, first, second, undefined, second]);
});

test("a channel whose rules do not ask for it shows none, in no way of publishing", async () => {
  const item = { channel: "plain", data: 1, traceparent: first };
  const headers = { traceparent: first };
  const heard: string[] = [];
  admin.backend.pubSub.onMessage((_topic, message) => heard.push(Buffer.from(message).toString()));
  await admin.backend.pubSub.subscribe("test#/#{0}plain#");
  await call(admin, "POST", "/v1/publish", { body: item, headers });
  await call(admin, "POST", "/v1/publish/batch", { body: { items: [item] }, headers });
  await call(admin, "POST", "/v1/publish/batch", { body: { items: [item], atomic: true }, headers });
  expect(await tracesIn("plain")).toEqual([undefined, undefined, undefined]);
  await expect.poll(() => heard.length).toBe(3);
  expect(heard.filter((message) => message.includes("traceparent"))).toEqual([]);
});

test("a malformed header is as if there were none, and a malformed field is refused", async () => {
  const body = { channel: "traced:a", data: 1 };
  for (const traceparent of ["", "nonsense", first.toUpperCase(), `${first}-more`, `00-${"0".repeat(32)}-${"1".repeat(16)}-01`]) {
    expect((await call(admin, "POST", "/v1/publish", { body, headers: { traceparent } })).status).toBe(200);
    const refused = await call(admin, "POST", "/v1/publish", { body: { ...body, traceparent } });
    expect([refused.status, refused.body.code]).toEqual([400, "REQUEST_INVALID"]);
    expect(refused.text).toContain("/traceparent");
  }
  expect(new Set(await tracesIn("traced:a"))).toEqual(new Set([undefined]));
});

test("what is published later keeps the trace of who scheduled it", async () => {
  const body = { channel: "traced:a", data: 1, at: Date.now() };
  expect((await call(admin, "POST", "/v1/publish", { body, headers: { traceparent: first } })).status).toBe(202);
  const { plans } = await admin.backend.schedule.take({ overdueMs: 0, limit: 10, leaseMs: 1_000 });
  expect(plans).toMatchObject([{ channels: [channelName("traced:a")], content: { traceparent: first } }]);
});
