import { isChannelName } from "@fanfare/domain";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, call, type Method } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeAll(async () => {
  admin = await testAdmin();
});
afterAll(() => admin.close());

/** What holds for every answer whatever was asked: it is no fault of ours, and a refusal has a code. */
function expectSane({ status, headers, body, text }: Answer): void {
  expect(status, text).toBeLessThan(500);
  if (status < 400) return;
  expect(headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expect(body).toMatchObject({ code: expect.stringMatching(/^[A-Z_]+$/), status, type: `/docs/errors#${body.code}` });
}

/** Whatever became of it, a good publication right after it is stored. */
async function expectAlive(): Promise<void> {
  expect((await call(admin, "POST", "/v1/publish", { body: { channel: "alive", data: 1 } })).status).toBe(200);
}

const publishing = fc.constantFrom("/v1/publish", "/v1/publish/batch");
const key = fc.constantFrom(
  "channel",
  "channels",
  "data",
  "event",
  "id",
  "except",
  "items",
  "atomic",
  "__proto__",
  "constructor",
  "toString",
  "",
);
const channel = fc.oneof(
  fc.constantFrom("a", "__proto__:x", "{0}a", "a\u0000", "\ud800", "a".repeat(255), "a".repeat(300), "a b"),
  fc.string({ unit: "binary", maxLength: 300 }),
);
const value = fc.oneof(
  { weight: 3, arbitrary: channel },
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(-1, 1e308, 2 ** 53 + 1, -0, true, null, [], {}, { base64: "A" }, { base64: "AAEC" }),
);

test("arbitrary bytes as a body never end in a 5xx", async () => {
  await fc.assert(
    fc.asyncProperty(publishing, fc.uint8Array({ maxLength: 200 }), async (url, bytes) => {
      expectSane(await call(admin, "POST", url, { body: Buffer.from(bytes) }));
    }),
    { numRuns: 300 },
  );
  await expectAlive();
});

test("arbitrary JSON as a body never ends in a 5xx", async () => {
  await fc.assert(
    fc.asyncProperty(publishing, fc.json({ maxDepth: 5 }), async (url, body) => {
      expectSane(await call(admin, "POST", url, { body }));
    }),
    { numRuns: 300 },
  );
  await expectAlive();
});

test("bodies that are nearly right never end in a 5xx, and what is stored has a channel's name", async () => {
  const nearly = fc.array(fc.tuple(key, value), { maxLength: 6 }).map((members) => {
    // Written by hand, because an object literal would swallow __proto__ and doubled keys.
    return `{${members.map(([name, content]) => `${JSON.stringify(name)}:${JSON.stringify(content)}`).join(",")}}`;
  });
  const whole = fc.tuple(channel, nearly).map(([name, more]) => `{"channel":${JSON.stringify(name)},"data":${more}}`);
  const batch = fc.array(fc.oneof(nearly, whole), { maxLength: 4 }).map((items) => `{"items":[${items.join(",")}]}`);
  await fc.assert(
    fc.asyncProperty(publishing, fc.oneof(nearly, whole, batch), async (url, body) => {
      const answer = await call(admin, "POST", url, { body });
      expectSane(answer);
      if (answer.status === 200 && "channel" in answer.body) expect(isChannelName(answer.body.channel)).toBe(true);
    }),
    { numRuns: 1_500 },
  );
  await expectAlive();
});

test("arbitrary lines of a stream get one answer each and never a 5xx", async () => {
  const line = fc.oneof(
    fc.constant('{"channel":"s","data":1}'),
    fc.json().map((text) => text.replaceAll("\n", "")),
    fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\n", "")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
      const body = Buffer.from(lines.join("\n"), "latin1");
      const { status, text } = await call(admin, "POST", "/v1/publish/stream", { body, type: "application/x-ndjson" });
      expect(status).toBe(200);
      const answers = text
        .split("\n")
        .filter((answer) => answer !== "")
        .map((answer) => JSON.parse(answer));
      expect(answers).toHaveLength(lines.filter((text) => /[^ \t\r]/.test(text)).length);
      for (const answer of answers) expect(answer.status ?? 200).toBeLessThan(500);
    }),
    { numRuns: 200 },
  );
  await expectAlive();
});

test("arbitrary channels and queries in the address never end in a 5xx", async () => {
  const method = fc.constantFrom<Method>("GET", "DELETE", "HEAD", "POST", "OPTIONS");
  const pair = fc.tuple(
    fc.oneof(fc.constantFrom("since", "limit", "reverse", "__proto__", "constructor"), fc.string()),
    fc.oneof(fc.constantFrom("e:0", "e:-1", "e:9007199254740993", "true", "1e9", "-5"), fc.string({ unit: "binary" })),
  );
  const query = fc.array(pair, { maxLength: 4 }).map((pairs) => new URLSearchParams(pairs).toString());
  await fc.assert(
    fc.asyncProperty(method, channel, fc.constantFrom("", "/history"), query, async (verb, name, suffix, search) => {
      const path = encodeURIComponent(name.replace(/\p{Surrogate}/gu, "?"));
      const answer = await call(admin, verb, `/v1/channels/${path}${suffix}?${search}`);
      if (verb !== "HEAD") expectSane(answer);
      expect(answer.status).toBeLessThan(500);
    }),
    { numRuns: 600 },
  );
  await expectAlive();
});

test("arbitrary paths never end in a 5xx", async () => {
  const part = fc.oneof(
    fc.constantFrom("v1", "publish", "channels", "..", "%2e", "%", "%00", "docs", "console", "static", ""),
    fc.webPath(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
      const answer = await call(admin, "GET", `/${parts.join("/").replace(/^\/+/, "")}`);
      expect(answer.status, answer.text).toBeLessThan(500);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["a 300-byte channel", { channel: "a".repeat(300), data: 1 }],
  ["control characters", { channel: "a\u0007", data: 1 }],
  ["2 MiB", { channel: "a", data: "x".repeat(2 * 1_048_576) }],
  ["nesting of 10,000", `{"channel":"a","data":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
  ["nesting of 10,000 objects", `{"channel":"a","data":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`],
  ["a __proto__ key", '{"__proto__":{"channel":"a"},"data":1,"channel":"a"}'],
  ["a million commas", `{"items":[${",".repeat(1_000_000)}]}`],
  ["a number of a million digits", `{"channel":"a b","data":${"9".repeat(1_000_000)}}`],
  ["a hundred thousand unknown keys", `{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":1`).join(",")}}`],
])("%s is refused with a 4xx and a code", async (_what, body) => {
  const answer = await call(admin, "POST", "/v1/publish", { body });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expectSane(answer);
  await expectAlive();
});
