import type { Clock } from "@fanfare/domain";
import { systemClock } from "@fanfare/domain";
import { expect, test } from "vitest";
import { AuthThrottle } from "./auth-throttle.ts";
import { call } from "./testing/call.ts";
import { testAdmin } from "./testing/test-admin.ts";

test("an address may show twenty wrong keys a minute, and is told when it may show the next", () => {
  let nowMs = 0;
  const throttle = new AuthThrottle({ monotonic: () => nowMs });
  for (let wrong = 0; wrong < 20; wrong++) expect(throttle.waitMs("203.0.113.5", undefined)).toBe(0);
  expect(throttle.waitMs("203.0.113.5", undefined)).toBe(3_000);
  expect(throttle.waitMs("203.0.113.6", undefined)).toBe(0);
  nowMs = 3_000;
  expect(throttle.waitMs("203.0.113.5", undefined)).toBe(0);
  expect(throttle.waitMs("203.0.113.5", undefined)).toBeGreaterThan(0);
});

test("a guess that is right is not looked at while its address is slowed down", () => {
  const throttle = new AuthThrottle({ monotonic: () => 0 }, 2);
  throttle.waitMs("203.0.113.5", undefined);
  throttle.waitMs("203.0.113.5", undefined);
  expect(throttle.waitMs("203.0.113.5", "ops")).toBeGreaterThan(0);
  expect(throttle.waitMs("203.0.113.6", "ops")).toBe(0);
});

test("a key that was good at an address goes on working beside one who guesses there", () => {
  const throttle = new AuthThrottle({ monotonic: () => 0 }, 2);
  expect(throttle.waitMs("127.0.0.1", "app")).toBe(0);
  for (let wrong = 0; wrong < 10; wrong++) throttle.waitMs("127.0.0.1", undefined);
  expect(throttle.waitMs("127.0.0.1", "app")).toBe(0);
  expect(throttle.waitMs("127.0.0.1", "other")).toBeGreaterThan(0);
});

test("all addresses of an IPv6 network are one guesser", () => {
  const throttle = new AuthThrottle({ monotonic: () => 0 }, 2);
  for (const last of [1, 2]) expect(throttle.waitMs(`2001:db8::${last}`, undefined)).toBe(0);
  expect(throttle.waitMs("2001:db8::3", undefined)).toBeGreaterThan(0);
});

test("over HTTP it is a 429 with Retry-After, whose address is a proxy's word only where the proxy is trusted", async () => {
  const admin = await testAdmin({ wrongKeysPerMinute: 3, trustedProxies: ["127.0.0.1"] });
  const from = (address: string, key: string) =>
    call(admin, "GET", "/v1/nodes", { key, headers: { "x-forwarded-for": address } });
  for (let wrong = 0; wrong < 3; wrong++) expect((await from("203.0.113.5", "wrong")).status).toBe(401);
  const refused = await from("203.0.113.5", "wrong");
  expect([refused.status, refused.body.code]).toEqual([429, "RATE_LIMITED"]);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect((await from("203.0.113.5", admin.key)).status).toBe(429);
  expect((await from("203.0.113.6", admin.key)).status).toBe(200);
  // Without any key nothing was guessed.
  expect((await call(admin, "GET", "/v1/nodes", { key: null, headers: { "x-forwarded-for": "203.0.113.5" } })).status).toBe(401);
  await admin.close();

  const alone = await testAdmin({ wrongKeysPerMinute: 3 });
  for (let wrong = 0; wrong < 3; wrong++) {
    const headers = { "x-forwarded-for": `203.0.113.${wrong}` };
    expect((await call(alone, "GET", "/v1/nodes", { key: "wrong", headers })).status).toBe(401);
  }
  expect((await call(alone, "GET", "/v1/nodes", { key: "wrong", headers: { "x-forwarded-for": "203.0.113.9" } })).status).toBe(
    429,
  );
  await alone.close();
});

test("a key that has ended is refused from that moment on", async () => {
  let nowMs = Date.parse("2027-01-31T23:59Z");
  const clock: Clock = { ...systemClock, monotonic: () => 0, after: systemClock.after, now: () => nowMs };
  const admin = await testAdmin({ keys: ["ops:secret:read+until=2027-01-31"], clock });
  expect((await call(admin, "GET", "/v1/nodes", { key: "secret" })).status).toBe(200);
  nowMs += 60_000;
  const refused = await call(admin, "GET", "/v1/nodes", { key: "secret" });
  expect([refused.status, refused.body.code]).toEqual([401, "UNAUTHENTICATED"]);
  await admin.close();
});

test("a key publishes as much as it may in a second, whichever way it does", async () => {
  const clock: Clock = { now: () => Date.now(), monotonic: () => 0, after: systemClock.after };
  const admin = await testAdmin({ keys: ["a:one", "b:two"], publishesPerKey: 2, clock });
  const publish = (key: string, body: unknown, url = "/v1/publish") => call(admin, "POST", url, { key, body });
  expect((await publish("one", { channels: ["x", "y", "z"], data: 1 })).status).toBe(200);
  expect((await publish("one", { channel: "x", data: 1 })).status).toBe(200);
  const refused = await publish("one", { channel: "x", data: 1 });
  expect([refused.status, refused.body.code, refused.headers["retry-after"]]).toEqual([429, "RATE_LIMITED", "1"]);
  expect(refused.body.retryAfterMs).toBe(500);
  const batch = await publish(
    "two",
    { items: Array.from({ length: 6 }, () => ({ channel: "x", data: 1 })) },
    "/v1/publish/batch",
  );
  expect(batch.body.results.map(({ code }: { code?: string }) => code ?? "stored")).toEqual([
    ...Array(4).fill("stored"),
    "RATE_LIMITED",
    "RATE_LIMITED",
  ]);
  await admin.close();
});
