import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

const day = 86_400_000;
let admin: TestAdmin;
beforeEach(async () => {
  admin = await testAdmin({ keys: ["test:a-secret", "narrow:narrow-secret:publish:news+read", "blind:blind-secret:publish"] });
});
afterEach(() => admin.close());

const later = (body: object, headers: Readonly<Record<string, string>> = {}, key?: string) =>
  call(admin, "POST", "/v1/publish", {
    body: { channel: "news", data: 1, at: Date.now() + day, ...body },
    headers,
    key: key ?? admin.key,
  });

test("a publication for later is accepted, listed, and not published now", async () => {
  const at = Date.now() + day;
  const body = { channel: undefined, channels: ["a", "b"], data: { n: 1 }, event: "e", at };
  const { status, body: answer } = await later(body);
  expect([status, answer]).toEqual([202, { scheduledId: expect.stringMatching(`^${at}-`), at, duplicate: false }]);
  expect((await call(admin, "GET", "/v1/scheduled")).body).toEqual({
    items: [{ scheduledId: answer.scheduledId, at, channels: ["a", "b"], event: "e", bytes: 7 }],
    next: null,
  });
  expect((await call(admin, "GET", "/v1/channels/a/history")).body.publications).toEqual([]);
});

test("a date counts as the instant that it is", async () => {
  const at = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + day);
  const zoned = new Date(at.getTime() + 90 * 60_000).toISOString().replace(".000Z", "+01:30");
  expect((await later({ at: at.toISOString() })).body.at).toBe(at.getTime());
  expect((await later({ at: zoned })).body.at).toBe(at.getTime());
});

test.each([
  ["seconds", Math.round(Date.now() / 1_000), "1577836800000"],
  ["an hour ago", Date.now() - 3_600_000, "past"],
  ["two years ahead", Date.now() + 730 * day, "366 days"],
  ["a date that does not exist", "2027-02-31T25:00:00Z", "no date"],
  ["a date without a zone", "2027-02-01T00:00:00", ""],
  ["a text", "tomorrow", ""],
])("%s is refused as a time", async (_what, at, says) => {
  const { status, body, text } = await later({ at });
  expect([status, body.code]).toEqual([400, "REQUEST_INVALID"]);
  expect(text).toContain(says);
});

test("what cannot be promised for later is refused", async () => {
  expect((await later({ durable: true })).status).toBe(400);
  const batch = await call(admin, "POST", "/v1/publish/batch", { body: { items: [{ channel: "a", data: 1, at: 9e12 }] } });
  expect(batch.body.results).toMatchObject([{ code: "REQUEST_INVALID" }]);
});

test("a retry with the same id is the same, and another body with it is a conflict", async () => {
  const at = Date.now() + day;
  const first = await later({ at }, { "idempotency-key": "k" });
  const retry = await later({ at, id: "k" });
  expect(retry.body).toEqual({ ...first.body, duplicate: true });
  expect((await later({ at, id: "k", data: 2 })).body).toMatchObject({ status: 409, code: "ID_CONFLICT" });
});

test("what is called off is gone, once; what is being published can no longer be called off", async () => {
  const waiting = (await later({})).body.scheduledId;
  const due = (await later({ at: Date.now() - 1 })).body.scheduledId;
  const callOff = async (id: string) => (await call(admin, "DELETE", `/v1/scheduled/${id}`)).body;
  expect(await callOff(waiting)).toEqual({ scheduledId: waiting, removed: true });
  expect(await callOff(waiting)).toMatchObject({ status: 404, code: "NOT_FOUND" });
  await admin.backend.schedule.take({ overdueMs: 0, limit: 10, leaseMs: 60_000 });
  expect(await callOff(due)).toMatchObject({ status: 409, code: "SCHEDULED_TAKEN" });
  await admin.backend.schedule.done([due]);
  expect(await callOff(due)).toMatchObject({ status: 404 });
});

test("keys schedule and call off where they may publish, and list where they may read", async () => {
  const key = "narrow-secret";
  const { scheduledId } = (await later({ channel: "other" })).body;
  expect((await later({}, {}, key)).status).toBe(202);
  expect((await later({ channel: "other" }, {}, key)).status).toBe(403);
  expect((await call(admin, "DELETE", `/v1/scheduled/${scheduledId}`, { key })).status).toBe(403);
  expect((await call(admin, "GET", "/v1/scheduled", { key })).body.items).toHaveLength(2);
  expect((await call(admin, "GET", "/v1/scheduled", { key: "blind-secret" })).status).toBe(403);
});

test("the list is cut into pages, and a cursor of another list is refused", async () => {
  for (let n = 0; n < 5; n++) await later({ data: n });
  const seen: string[] = [];
  let cursor = "";
  do {
    const { body } = await call(admin, "GET", `/v1/scheduled?limit=2${cursor}`);
    seen.push(...body.items.map(({ scheduledId }: { scheduledId: string }) => scheduledId));
    cursor = body.next === null ? "" : `&cursor=${body.next}`;
  } while (cursor !== "");
  expect(new Set(seen).size).toBe(5);
  expect((await call(admin, "GET", "/v1/scheduled?cursor=bm8")).status).toBe(400);
});
