import { promised, startRedis, type TestRedis, until } from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { openStream } from "./testing/stream-client.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let redis: TestRedis;
let admin: TestAdmin;
let cluster = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  admin = await open(`c${++cluster}`);
});
afterEach(() => admin.close());

/** An admin API that is ready. */
async function open(name: string): Promise<TestAdmin> {
  const opened = await testAdmin({ redisUrl: redis.url, cluster: name });
  await untilReady(opened);
  return opened;
}

async function untilReady(opened: TestAdmin): Promise<void> {
  await until(async () => {
    const { status, text } = await call(opened, "GET", "/readyz", { key: null });
    return status === 200 ? undefined : text;
  }, 10_000);
}

const item = (data: unknown, channel = "c") => ({ channel, data });

test.each(["[]", "{}", "9007199254740993", "18446744073709551615", '"\u2028\u{1f600}"', '"\\ud800"', '{ "a" : 1e400 }', "null"])(
  "the payload %s comes back to the byte through Redis",
  async (data) => {
    await call(admin, "POST", "/v1/publish", { body: `{"channel":"exact","data":${data}}` });
    const { text } = await call(admin, "GET", "/v1/channels/exact/history");
    expect(text).toContain(`"data":${data},"offset":1`);
  },
);

test("a batch keeps the order of each channel, also right after Redis has lost its scripts", async () => {
  for (const round of [0, 1]) {
    await redis.cli("script", "flush");
    const items = Array.from({ length: 600 }, (_, at) => item(at, `o${at % 2}`));
    const { body } = await call(admin, "POST", "/v1/publish/batch", { body: { items } });
    const offsets = body.results.map(({ offset }: { offset: number }) => offset);
    expect(offsets).toEqual(items.map((_, at) => round * 300 + Math.floor(at / 2) + 1));
  }
});

test("lines of a stream are stored in their order", async () => {
  const stream = await openStream(admin);
  for (let n = 1; n <= 3_000; n++) stream.write(item(n));
  stream.end();
  await until(() => (stream.ended ? undefined : `${stream.answers.length} answers`), 15_000);
  expect(stream.answers.map(({ offset }) => offset)).toEqual(Array.from({ length: 3_000 }, (_, at) => at + 1));
});

test("two admin processes racing on one channel make one log without holes or doubles", async () => {
  const other = await open(`c${cluster}`);
  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, at) => call(at % 2 === 0 ? admin : other, "POST", "/v1/publish", { body: item(at) })),
  );
  const offsets = answers.map(({ body }) => body.offset).sort((a, b) => a - b);
  expect(offsets).toEqual(Array.from({ length: 400 }, (_, at) => at + 1));

  const [one, two] = await Promise.all(
    [admin, other].map((each) => call(each, "GET", "/v1/channels/c/history?limit=400").then(({ body }) => body.publications)),
  );
  expect(one).toEqual(two);
  expect(one.map(({ data }: { data: number }) => answers[data]?.body.offset)).toEqual(offsets);
  await other.close();
});

test("racing requests with one id at two admins store once", async () => {
  const other = await open(`c${cluster}`);
  const body = { ...item("x"), id: "same" };
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, at) => call(at % 2 === 0 ? admin : other, "POST", "/v1/publish", { body })),
  );
  expect(answers.filter((answer) => answer.body.duplicate === false)).toHaveLength(1);
  expect(new Set(answers.map((answer) => answer.body.offset))).toEqual(new Set([1]));
  await other.close();
});

async function expectAway(): Promise<void> {
  const requests: [string, "GET" | "POST" | "DELETE", string, unknown][] = [
    ["one", "POST", "/v1/publish", item(1)],
    ["many", "POST", "/v1/publish", { channels: ["a", "b"], data: 1 }],
    ["batch", "POST", "/v1/publish/batch", { items: Array(1_000).fill(item(1)) }],
    ["channel", "GET", "/v1/channels/c", undefined],
    ["history", "GET", "/v1/channels/c/history", undefined],
    ["purge", "DELETE", "/v1/channels/c/history", undefined],
    ["nodes", "GET", "/v1/nodes", undefined],
    ["ready", "GET", "/readyz", undefined],
  ];
  await Promise.all(
    requests.map(async ([name, method, url, body]) => {
      const before = performance.now();
      const answer = await call(admin, method, url, { body });
      expect([name, answer.status, answer.body.code]).toEqual([name, 503, "BROKER_UNAVAILABLE"]);
      expect(answer.headers["retry-after"]).toBe("1");
      expect(performance.now() - before, name).toBeLessThan(promised(2_000));
    }),
  );
  expect((await call(admin, "GET", "/healthz")).status).toBe(200);
  expect((await call(admin, "GET", "/metrics")).text).toContain("fanfare_broker_up 0");
}

test("while Redis is down everything says 503 with Retry-After within 2 s, and works again by itself", async () => {
  await call(admin, "POST", "/v1/publish", { body: item(1) });
  const stream = await openStream(admin);
  await redis.kill();
  await expectAway();
  stream.write(item(2));
  await until(() => (stream.answers.length === 0 ? "no answer" : undefined), 2_000);
  expect(stream.answers[0]).toMatchObject({ code: "BROKER_UNAVAILABLE", retryAfterMs: 1_000 });

  await redis.restart();
  await untilReady(admin);
  stream.write(item(3));
  await until(() => (stream.answers.length < 2 ? "no answer" : undefined));
  expect(stream.answers[1]).toMatchObject({ channel: "c", offset: expect.any(Number) });
  stream.end();
});

test("while Redis is frozen everything says 503 within 2 s, and a retry with the same id stores once", async () => {
  const body = { ...item("x"), id: "retried" };
  redis.pause();
  try {
    const unsure = await call(admin, "POST", "/v1/publish", { body });
    expect([unsure.status, unsure.body.code]).toEqual([503, "BROKER_UNAVAILABLE"]);
    await expectAway();
  } finally {
    redis.resume();
  }
  await untilReady(admin);
  const retried = await call(admin, "POST", "/v1/publish", { body });
  expect(retried.status).toBe(200);
  const again = await call(admin, "POST", "/v1/publish", { body });
  expect(again.body).toEqual({ ...retried.body, duplicate: true });
});

test("when Redis is full a publish says 503 BROKER_FULL, and reading goes on", async () => {
  await call(admin, "POST", "/v1/publish", { body: item(1) });
  await redis.cli("config", "set", "maxmemory", "1");
  try {
    const full = await call(admin, "POST", "/v1/publish", { body: item(2) });
    expect([full.status, full.body.code, full.headers["retry-after"]]).toEqual([503, "BROKER_FULL", "5"]);
    expect((await call(admin, "GET", "/v1/channels/c/history")).body.publications).toHaveLength(1);
  } finally {
    await redis.cli("config", "set", "maxmemory", "0");
  }
  expect((await call(admin, "POST", "/v1/publish", { body: item(2) })).body.offset).toBe(2);
});

test("an admin that starts while Redis is away answers at once and heals", async () => {
  await redis.kill();
  const early = await testAdmin({ redisUrl: redis.url, cluster: `c${cluster}` });
  expect((await call(early, "POST", "/v1/publish", { body: item(1) })).status).toBe(503);
  await redis.restart();
  await untilReady(early);
  expect((await call(early, "POST", "/v1/publish", { body: item(1) })).status).toBe(200);
  await early.close();
});

test("a log that was lost with Redis answers EPOCH_CHANGED to positions of before", async () => {
  const before = await call(admin, "POST", "/v1/publish", { body: item(1) });
  await redis.cli("flushall");
  await call(admin, "POST", "/v1/publish", { body: item(2) });
  const { status, body } = await call(admin, "GET", `/v1/channels/c/history?since=${before.body.epoch}:1`);
  expect([status, body.code]).toEqual([409, "EPOCH_CHANGED"]);
});
