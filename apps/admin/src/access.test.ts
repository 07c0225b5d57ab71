import { signToken } from "@fanfare/access";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

const secret = "thirty-two bytes are the least there may be";
let admin: TestAdmin;
beforeAll(async () => {
  admin = await testAdmin({ keys: ["test:a-secret", "reader:r:read+until=2999-01-01"], tokenSecret: secret });
});
afterAll(() => admin.close());

const explain = async (channel: string, token?: string) =>
  (await call(admin, "POST", "/v1/rules/explain", { body: { channel, ...(token === undefined ? {} : { token }) } })).body;

test("a key is told what it is good for, and never its secret", async () => {
  const { body } = await call(admin, "GET", "/v1/key", { key: "r" });
  expect(body).toEqual({ name: "reader", scopes: ["read"], expiresAt: Date.UTC(2999, 0, 2) });
  expect((await call(admin, "GET", "/v1/key", { key: "wrong" })).status).toBe(401);
});

test("the rules of a channel are the file's and the defaults together", async () => {
  const { body } = await call(admin, "GET", "/v1/rules/short:a");
  expect(body).toMatchObject({ channel: "short:a", subscribe: "nobody", retain: { count: 5, seconds: 600 }, events: null });
  expect((await call(admin, "GET", "/v1/rules/user:ada")).body.subscribe).toBe("owner");
});

test("it is explained why a client may not, with and without a token", async () => {
  const [subscribe, , presence] = (await explain("crowd:a")).answers;
  expect(subscribe).toMatchObject({ action: "subscribe", allowed: false, audience: "nobody", code: "FORBIDDEN" });
  expect(subscribe.why).toContain("No rule allows anybody");
  expect(presence).toMatchObject({ action: "presence", allowed: true, why: "The rules let anyone." });

  const ada = await signToken({ secret, user: "ada", ttlSeconds: 60 });
  expect(await explain("user:ada", ada)).toMatchObject({
    token: { accepted: true, user: "ada" },
    answers: [{ action: "subscribe", allowed: true }, {}, {}, {}],
  });
  expect((await explain("user:bob", ada)).answers[0]).toMatchObject({ allowed: false, code: "FORBIDDEN" });
  expect((await explain("user:bob")).answers[0]).toMatchObject({ allowed: false, code: "UNAUTHENTICATED" });
});

test("a token that lets nobody in is explained too: forged, revoked, or shown where none counts", async () => {
  const forged = await signToken({ secret: secret.toUpperCase(), user: "ada", ttlSeconds: 60 });
  expect(await explain("a", forged)).toMatchObject({ token: { accepted: false, code: "TOKEN_INVALID" }, answers: [] });
  const token = await signToken({ secret, user: "eve", ttlSeconds: 60 });
  await call(admin, "POST", "/v1/revocations", { body: { user: "eve", issuedBefore: Date.now() + 60_000 } });
  expect((await explain("a", token)).token).toMatchObject({ accepted: false, code: "TOKEN_REVOKED" });
  const closed = await testAdmin();
  const { body } = await call(closed, "POST", "/v1/rules/explain", { body: { channel: "a", token } });
  expect(body.token).toMatchObject({ accepted: false, code: "TOKEN_INVALID" });
  expect(body.token.why).toContain("FANFARE_TOKEN_SECRET");
  await closed.close();
});

test("a token to try things out is signed for keys that may, and is good", async () => {
  const body = { user: "ada", channels: ["news:*"], ttlSeconds: 60 };
  expect((await call(admin, "POST", "/v1/tokens", { body, key: "r" })).status).toBe(403);
  const { token, expiresAt } = (await call(admin, "POST", "/v1/tokens", { body })).body;
  expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
  expect((await explain("news:a", token)).token).toMatchObject({ accepted: true, user: "ada", channels: ["news:*"], expiresAt });
  const unable = await testAdmin();
  expect((await call(unable, "POST", "/v1/tokens", { body })).status).toBe(404);
  await unable.close();
});
