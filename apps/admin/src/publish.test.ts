import type { Channel } from "@fanfare/domain";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type Gate, gate } from "./testing/gate.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeEach(async () => {
  admin = await testAdmin();
});
afterEach(() => admin.close());

const retain = { count: 100, seconds: 60 };

test("a publication is stored under the next offset and is heard on the channel's topic", async () => {
  const heard: string[] = [];
  admin.backend.pubSub.onMessage((_topic, message) => heard.push(Buffer.from(message).toString()));
  await admin.backend.pubSub.subscribe("test#/#{0}news#");

  const first = await call(admin, "POST", "/v1/publish", { body: { channel: "news", data: { a: 1 } } });
  const second = await call(admin, "POST", "/v1/publish", { body: { channel: "news", data: 2, event: "headline" } });

  expect([first.status, second.status]).toEqual([200, 200]);
  expect(first.body).toEqual({ channel: "news", epoch: expect.stringMatching(/^[A-Za-z0-9_-]+$/), offset: 1, duplicate: false });
  expect(second.body).toEqual({ ...first.body, offset: 2 });
  await expect.poll(() => heard.length).toBe(2);
  expect(heard[1]).toContain('"data":["headline",2,');
});

const exact = [
  "[]",
  "{}",
  "null",
  '""',
  "9007199254740993",
  '"9007199254740993"',
  "[18446744073709551615,-0,1e400,0.1000000000000000055]",
  '{ "a" : [ 1 ,\n2 ] }',
  '"\u2028\u{1f600}"',
  '"\\ud800 \\u0000"',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1},"constructor":null}',
  `${"[".repeat(100)}${"]".repeat(100)}`,
];

test.each(exact)("the payload %s is stored and read back to the byte", async (data) => {
  await call(admin, "POST", "/v1/publish", { body: `{"channel":"exact","data": ${data} }` });
  await call(admin, "POST", "/v1/publish/batch", { body: `{"items":[{"data":${data},"channel":"exact"}]}` });
  await call(admin, "POST", "/v1/publish/stream", {
    type: "application/x-ndjson",
    body: `{"d\\u0061ta":${data.replaceAll("\n", " ")},"channel":"exact"}`,
  });

  const slice = await admin.backend.broker.read("exact" as Channel, { from: "end", limit: 10 }, retain);
  expect(slice.publications.map(({ payload }) => payload.json)).toEqual([data, data, data.replaceAll("\n", " ")]);
  const { text } = await call(admin, "GET", "/v1/channels/exact/history?limit=1");
  expect(text).toContain(`"data":${data},"offset":1`);
});

test("the last of two members named data counts, as in JSON.parse", async () => {
  await call(admin, "POST", "/v1/publish", { body: '{"data":1,"channel":"twice","data":{"n":2}}' });
  const { body } = await call(admin, "GET", "/v1/channels/twice/history");
  expect(body.publications[0].data).toEqual({ n: 2 });
});

test("an object with base64 alone is stored as a binary, and refused when it is not base64", async () => {
  await call(admin, "POST", "/v1/publish", { body: { channel: "bytes", data: { base64: "AAEC" } } });
  const slice = await admin.backend.broker.read("bytes" as Channel, { from: "end", limit: 1 }, retain);
  expect(slice.publications[0]?.payload).toEqual({ json: '{"base64":"AAEC"}', binary: true });

  const refused = await call(admin, "POST", "/v1/publish", { body: { channel: "bytes", data: { base64: "A" } } });
  expect([refused.status, refused.body.code]).toEqual([400, "DATA_INVALID"]);
});

test("the same id with the same content answers the first position, with other content 409", async () => {
  const body = { channel: "ids", data: 1, id: "a" };
  const first = await call(admin, "POST", "/v1/publish", { body });
  const again = await call(admin, "POST", "/v1/publish", { body });
  const other = await call(admin, "POST", "/v1/publish", { body: { ...body, data: 2 } });
  expect(again.body).toEqual({ ...first.body, duplicate: true });
  expect([other.status, other.body.code]).toEqual([409, "ID_CONFLICT"]);
});

test("of racing requests with one id, one stores and the others are duplicates of it", async () => {
  const body = { channel: "race", data: "x", id: "one" };
  const answers = await Promise.all(Array.from({ length: 30 }, () => call(admin, "POST", "/v1/publish", { body })));
  expect(answers.filter((answer) => answer.body.duplicate === false)).toHaveLength(1);
  expect(new Set(answers.map((answer) => answer.body.offset))).toEqual(new Set([1]));
  const info = await call(admin, "GET", "/v1/channels/race");
  expect(info.body.offset).toBe(1);
});

test("the answer to a durable publish says how many replicas have it, and nobody else's does", async () => {
  const body = { channel: "safe", data: 1, id: "k" };
  const publish = (wanted: object) => call(admin, "POST", "/v1/publish", { body: wanted });
  expect((await publish(body)).body).not.toHaveProperty("replicas");
  expect((await publish({ ...body, durable: true })).body).toMatchObject({ duplicate: true, replicas: 0 });
  const many = await publish({ channels: ["safe", "safer"], data: 2, durable: true });
  expect(many.body.results).toMatchObject([
    { offset: 2, replicas: 0 },
    { offset: 1, replicas: 0 },
  ]);
});

test("Idempotency-Key is the id, and contradicting the body's is refused", async () => {
  const headers = { "idempotency-key": "k-1" };
  const body = { channel: "keyed", data: 1 };
  await call(admin, "POST", "/v1/publish", { body, headers });
  const again = await call(admin, "POST", "/v1/publish", { body: { ...body, id: "k-1" } });
  expect(again.body.duplicate).toBe(true);

  const contradiction = await call(admin, "POST", "/v1/publish", { body: { ...body, id: "k-2" }, headers });
  expect(contradiction.body).toMatchObject({ code: "REQUEST_INVALID", errors: [{ path: "/id" }] });
  for (const bad of ["", "ü", "a b", "x".repeat(256)]) {
    const refused = await call(admin, "POST", "/v1/publish", { body, headers: { "idempotency-key": bad } });
    expect([refused.status, refused.body.code]).toEqual([400, "REQUEST_INVALID"]);
  }
});

test("requests of several publications refuse an Idempotency-Key instead of ignoring it", async () => {
  const headers = { "idempotency-key": "k" };
  const batch = await call(admin, "POST", "/v1/publish/batch", { body: { items: [{ channel: "a", data: 1 }] }, headers });
  const stream = await call(admin, "POST", "/v1/publish/stream", { body: "", type: "application/x-ndjson", headers });
  expect([batch.status, stream.status]).toEqual([400, 400]);
});

test("many channels answer one result each, in order, and one's conflict leaves the others alone", async () => {
  await call(admin, "POST", "/v1/publish", { body: { channel: "b", data: "other", id: "i" } });
  const { status, body } = await call(admin, "POST", "/v1/publish", { body: { channels: ["a", "b", "c"], data: 1, id: "i" } });
  expect(status).toBe(200);
  expect(body.results).toMatchObject([
    { channel: "a", offset: 1 },
    { code: "ID_CONFLICT", status: 409 },
    { channel: "c", offset: 1 },
  ]);
});

test("channels may be one, and must be at least one, at most 100 and each once", async () => {
  const one = await call(admin, "POST", "/v1/publish", { body: { channels: ["a"], data: 1 } });
  expect(one.body.results).toMatchObject([{ channel: "a" }]);
  const many = Array.from({ length: 101 }, (_, at) => `c${at}`);
  for (const channels of [[], ["a", "a"], many, "a", ["a", 1]]) {
    const { status, body } = await call(admin, "POST", "/v1/publish", { body: { channels, data: 1 } });
    expect([status, body.code]).toEqual([400, "REQUEST_INVALID"]);
  }
});

test.each([
  ["no data", { channel: "a" }, "REQUEST_INVALID"],
  ["an unknown member", { channel: "a", data: 1, dat: 2 }, "REQUEST_INVALID"],
  ["both channel and channels", { channel: "a", channels: ["b"], data: 1 }, "REQUEST_INVALID"],
  ["a channel with a blank", { channel: "a b", data: 1 }, "REQUEST_INVALID"],
  ["a reserved event", { channel: "a", data: 1, event: "disconnect" }, "EVENT_INVALID"],
  ["a notice's event", { channel: "a", data: 1, event: "fanfare:reset" }, "EVENT_INVALID"],
  ["an id of half a surrogate pair", '{"channel":"a","data":1,"id":"\\ud800"}', "REQUEST_INVALID"],
  ["an empty id", { channel: "a", data: 1, id: "" }, "REQUEST_INVALID"],
  ["a session id that cannot be one", { channel: "a", data: 1, except: "a,b" }, "REQUEST_INVALID"],
  ["a body that is a list", [], "REQUEST_INVALID"],
  ["an empty body", "", "JSON_INVALID"],
  ["half a body", '{"channel":', "JSON_INVALID"],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), "JSON_INVALID"],
  ["a bomb of brackets", `{"channel":"a","data":${"[".repeat(10_000)}`, "JSON_TOO_DEEP"],
])("%s is refused by name", async (_what, body, code) => {
  const answer = await call(admin, "POST", "/v1/publish", { body });
  expect([answer.status, answer.body.code]).toEqual([400, code]);
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
});

test("a problem says which fields are wrong, in a bounded text", async () => {
  const { body, text } = await call(admin, "POST", "/v1/publish", {
    body: { channel: "a b", [`x${"y".repeat(100_000)}`]: 1, data: 1 },
  });
  expect(body.errors.map((error: { path: string }) => error.path)).toContain("/channel");
  expect(text.length).toBeLessThan(5_000);
});

test("a batch answers each item in order, good ones stored and bad ones refused", async () => {
  const items = [
    { channel: "q", data: 1 },
    { channel: "q", data: 2, extra: true },
    7,
    { channels: ["q", "r"], data: 3 },
    { channel: "q", data: 4, id: "x" },
    { channel: "q", data: 4, id: "x" },
  ];
  const { status, body } = await call(admin, "POST", "/v1/publish/batch", { body: { items, atomic: false } });
  expect(status).toBe(200);
  expect(body.results).toMatchObject([
    { channel: "q", offset: 1 },
    { code: "REQUEST_INVALID" },
    { code: "REQUEST_INVALID" },
    {
      results: [
        { channel: "q", offset: 2 },
        { channel: "r", offset: 1 },
      ],
    },
    { channel: "q", offset: 3, duplicate: false },
    { channel: "q", offset: 3, duplicate: true },
  ]);
});

test("a batch of 1000 keeps the order of each channel", async () => {
  const items = Array.from({ length: 1_000 }, (_, at) => ({ channel: `o${at % 3}`, data: at }));
  const { body } = await call(admin, "POST", "/v1/publish/batch", { body: { items } });
  const offsets = body.results.map((result: { offset: number }) => result.offset);
  expect(offsets).toEqual(items.map((_, at) => Math.floor(at / 3) + 1));
});

test("1001 items are refused", async () => {
  const item = { channel: "a", data: 1 };
  const long = await call(admin, "POST", "/v1/publish/batch", { body: { items: Array(1_001).fill(item) } });
  expect([long.status, long.body.code]).toEqual([400, "REQUEST_INVALID"]);
  const info = await call(admin, "GET", "/v1/channels/a");
  expect(info.status).toBe(404);
});

test("publications and requests are counted by outcome and route", async () => {
  const body = { channel: "m", data: 1, id: "i" };
  for (const data of [1, 1, 2]) await call(admin, "POST", "/v1/publish", { body: { ...body, data } });
  const { text } = await call(admin, "GET", "/metrics", { key: null });
  for (const outcome of ["stored", "duplicate", "conflict"]) {
    expect(text).toContain(`fanfare_publications_total{source="rest",outcome="${outcome}"} 1`);
  }
  expect(text).toContain('fanfare_http_requests_total{method="POST",route="/v1/publish",status="200"} 2');
  expect(text).toContain("fanfare_publish_duration_seconds_count 3");
  expect(text).toContain("fanfare_broker_up 1");
});

test("a channel without a log is published to with the retention of its rules", async () => {
  await call(admin, "POST", "/v1/publish", { body: { channel: "fleeting:x", data: 1 } });
  const items = Array.from({ length: 9 }, (_, data) => ({ channel: "short:x", data }));
  await call(admin, "POST", "/v1/publish/batch", { body: { items } });
  const fleeting = await call(admin, "GET", "/v1/channels/fleeting:x");
  const short = await call(admin, "GET", "/v1/channels/short:x");
  expect(fleeting.body).toMatchObject({ offset: 1, retained: 0 });
  expect(short.body).toMatchObject({ offset: 9, retained: 5 });
});

test("while the broker is away one publish, many channels and a whole batch answer 503 with Retry-After", async () => {
  let shut: Gate | undefined;
  const broken = await testAdmin({
    broker: (broker) => {
      shut = gate(broker);
      return shut.broker;
    },
  });
  shut?.breakDown();
  const item = { channel: "a", data: 1 };
  for (const [url, body] of [
    ["/v1/publish", item],
    ["/v1/publish", { channels: ["a", "b"], data: 1 }],
    ["/v1/publish/batch", { items: [item, item] }],
  ] as const) {
    const answer = await call(broken, "POST", url, { body });
    expect([answer.status, answer.body.code]).toEqual([503, "BROKER_UNAVAILABLE"]);
    expect(answer.headers["retry-after"]).toBe("1");
  }
  await broken.close();
});

test("when the broker goes away in the middle of a batch, the items after it are not tried", async () => {
  let asked = 0;
  const half = await testAdmin({
    broker: (broker) => {
      const { broker: behind, open, breakDown } = gate(broker);
      open();
      return new Proxy(behind, {
        get(target, name) {
          if (name === "publishEach" && ++asked === 2) breakDown();
          return Reflect.get(target, name);
        },
      });
    },
  });
  const items = Array.from({ length: 1_000 }, () => ({ channel: "a", data: 1 }));
  const { status, body } = await call(half, "POST", "/v1/publish/batch", { body: { items } });
  expect(status).toBe(200);
  expect(body.results[0]).toMatchObject({ offset: 1 });
  expect(body.results[999]).toMatchObject({ code: "BROKER_UNAVAILABLE", retryAfterMs: 1_000 });
  expect(asked).toBe(2);
  await half.close();
});
