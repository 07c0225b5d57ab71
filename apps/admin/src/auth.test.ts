import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, type Method } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeAll(async () => {
  admin = await testAdmin({
    keys: [
      "all:all-secret",
      `hashed:sha256=${createHash("sha256").update("hashed-secret").digest("hex")}`,
      "reader:read-secret:read",
      "writer:write-secret:publish",
      "news:news-secret:publish:news+publish:sport:*",
    ],
  });
  await call(admin, "POST", "/v1/publish", { body: { channel: "news", data: 1 }, key: "all-secret" });
});
afterAll(() => admin.close());

const locked: [Method, string][] = [
  ["POST", "/v1/publish"],
  ["POST", "/v1/publish/batch"],
  ["POST", "/v1/publish/stream"],
  ["GET", "/v1/channels/news"],
  ["GET", "/v1/channels/news/history"],
  ["DELETE", "/v1/channels/news/history"],
  ["GET", "/v1/nodes"],
  ["GET", "/v1/keys"],
  ["GET", "/v1"],
  ["GET", "/v1/"],
  ["GET", "/v1/there/is/no/such/thing"],
  ["PUT", "/v1/publish"],
  ["GET", "/%761/nodes"],
  ["GET", "/v1/%6eodes"],
];

test.each(locked)("%s %s asks for a key, and says how to give it", async (method, url) => {
  for (const headers of [
    {},
    { authorization: "Bearer wrong" },
    { authorization: "Bearer" },
    { authorization: "Bearer all-secret more" },
    { authorization: "Basic YWxsLXNlY3JldA==" },
    { authorization: "all-secret" },
    { "x-api-key": "wrong" },
    { "x-api-key": "" },
  ] as Record<string, string>[]) {
    const answer = await call(admin, method, url, { key: null, headers });
    expect([answer.status, answer.body?.code]).toEqual([401, "UNAUTHENTICATED"]);
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
    expect(answer.text).not.toContain("all-secret");
  }
});

test("spelling the address differently does not get past the key", async () => {
  for (const url of ["//v1/nodes", "/v1//nodes", "/V1/nodes", "/./v1/nodes", "/docs/../v1/nodes", "/v1/nodes/", "/v1;x/nodes"]) {
    const { status } = await call(admin, "GET", url, { key: null });
    expect([401, 404]).toContain(status);
  }
});

test("a key is taken as Bearer in any case and as X-API-Key, plain or hashed in the settings", async () => {
  for (const headers of [
    { authorization: "Bearer all-secret" },
    { authorization: "bearer  all-secret" },
    { "x-api-key": "all-secret" },
    { authorization: "Bearer hashed-secret" },
  ] as Record<string, string>[]) {
    expect((await call(admin, "GET", "/v1/nodes", { key: null, headers })).status).toBe(200);
  }
});

test("without any key in the settings everything under /v1 answers 401, health does not", async () => {
  const closed = await testAdmin({ keys: [] });
  for (const [method, url] of locked) expect((await call(closed, method, url, { key: "anything" })).status).toBe(401);
  expect((await call(closed, "GET", "/readyz", { key: null })).status).toBe(200);
  await closed.close();
});

test("health, metrics and docs ask for no key", async () => {
  for (const url of ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/errors"]) {
    expect((await call(admin, "GET", url, { key: null })).status).toBe(200);
  }
});

const item = (channel: string) => ({ channel, data: 1 });

test.each([
  ["read-secret", "POST", "/v1/publish", item("news"), "publish"],
  ["read-secret", "DELETE", "/v1/channels/news/history", undefined, "publish"],
  ["write-secret", "GET", "/v1/channels/news", undefined, "read"],
  ["write-secret", "GET", "/v1/channels/news/history", undefined, "read"],
  ["write-secret", "GET", "/v1/nodes", undefined, "read"],
  ["read-secret", "GET", "/v1/keys", undefined, "keys"],
  ["news-secret", "POST", "/v1/publish", item("newsroom"), "publish:newsroom"],
  ["news-secret", "POST", "/v1/publish", { channels: ["news", "other"], data: 1 }, "publish:other"],
  ["news-secret", "POST", "/v1/publish", item("sport"), "publish:sport"],
  ["news-secret", "DELETE", "/v1/channels/other/history", undefined, "publish:other"],
] as const)("%s may not %s %s, and is told the missing scope", async (key, method, url, body, scope) => {
  const answer = await call(admin, method, url, { key, body });
  expect([answer.status, answer.body.code]).toEqual([403, "FORBIDDEN"]);
  expect(answer.body.detail).toContain(scope);
});

test("what one of many channels forbids is published in none", async () => {
  await call(admin, "POST", "/v1/publish", { key: "news-secret", body: { channels: ["sport:a", "other"], data: 1 } });
  expect((await call(admin, "GET", "/v1/channels/sport:a", { key: "all-secret" })).status).toBe(404);
});

test("scopes open what they say", async () => {
  for (const [key, method, url, body] of [
    ["read-secret", "GET", "/v1/channels/news/history", undefined],
    ["write-secret", "POST", "/v1/publish", item("anything")],
    ["news-secret", "POST", "/v1/publish", item("news")],
    ["news-secret", "POST", "/v1/publish", item("sport:football")],
    ["news-secret", "DELETE", "/v1/channels/news/history", undefined],
  ] as const) {
    expect((await call(admin, method, url, { key, body })).status).toBe(200);
  }
});

test("in a batch each item is checked on its own", async () => {
  const items = [item("news"), item("other"), item("sport:x")];
  const { body } = await call(admin, "POST", "/v1/publish/batch", { key: "news-secret", body: { items } });
  expect(body.results).toMatchObject([{ channel: "news" }, { code: "FORBIDDEN" }, { channel: "sport:x" }]);
});

test("the list of keys tells what they open and when they end, and no secret", async () => {
  const other = await testAdmin({ keys: ["ops:s3cr3t-ops", "ci:s3cr3t-ci:publish:news:*+until=2099-01-31"] });
  const { status, body, text } = await call(other, "GET", "/v1/keys", { key: "s3cr3t-ops" });
  expect(status).toBe(200);
  expect(body.items).toEqual([
    { name: "ops", scopes: [], expiresAt: null },
    { name: "ci", scopes: ["publish:news:*"], expiresAt: Date.parse("2099-02-01T00:00Z") },
  ]);
  expect(text).not.toContain("s3cr3t");
  await other.close();
});
