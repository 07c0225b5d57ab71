import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeEach(async () => {
  admin = await testAdmin({ keys: ["all:a-secret", "reader:r:read", "closer:c:connections"] });
});
afterEach(() => admin.close());

const revoke = (body: unknown, key?: string) =>
  call(admin, "POST", "/v1/revocations", { body, ...(key === undefined ? {} : { key }) });

test("a user alone means the tokens issued until now, and is kept as long as one of them may live", async () => {
  const before = Date.now();
  const { status, body } = await revoke({ user: "ada", reason: "lost her phone" });
  expect([status, body]).toEqual([
    200,
    {
      id: expect.stringMatching(/^[A-Za-z0-9_-]{12}$/),
      user: "ada",
      reason: "lost her phone",
      issuedBefore: body.at,
      at: expect.any(Number),
      endsAt: body.at + 3_600_000 + 60_000,
    },
  ]);
  expect(body.at).toBeGreaterThanOrEqual(before);
});

test("a token is revoked whenever it was issued, and an instant ahead holds for tokens still to be issued", async () => {
  expect((await revoke({ tokenId: "t1" })).body).not.toHaveProperty("issuedBefore");
  const ahead = Date.now() + 86_400_000;
  expect((await revoke({ user: "ada", issuedBefore: ahead })).body).toMatchObject({ endsAt: ahead + 3_660_000 });
});

test.each([
  {},
  { reason: "none" },
  { user: "" },
  { user: "a b" },
  { user: 7 },
  { tokenId: "" },
  { issuedBefore: -1 },
  { issuedBefore: 1.5 },
  { issuedBefore: "now" },
  { issuedBefore: Date.now() * 1_000 },
  { user: "ada", unknown: 1 },
])("%j is no revocation", async (body) => {
  expect((await revoke(body)).body).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
  expect((await call(admin, "GET", "/v1/revocations")).body).toEqual({ items: [], next: null });
});

test("what is revoked is listed page by page, oldest first, and can be taken back once", async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await revoke({ user: `u${n}` })).body.id);
  const listed: string[] = [];
  let next: string | null = "";
  while (next !== null) {
    const query: string = next === "" ? "" : `&cursor=${next}`;
    const { body } = await call(admin, "GET", `/v1/revocations?limit=2${query}`);
    listed.push(...body.items.map(({ id }: { id: string }) => id));
    next = body.next;
  }
  expect(listed.toSorted()).toEqual(ids.toSorted());

  const taken = await call(admin, "DELETE", `/v1/revocations/${ids[0]}`);
  expect([taken.status, taken.body]).toEqual([200, { id: ids[0], removed: true }]);
  expect((await call(admin, "DELETE", `/v1/revocations/${ids[0]}`)).body).toMatchObject({ status: 404, code: "NOT_FOUND" });
  expect((await call(admin, "GET", "/v1/revocations")).body.items).toHaveLength(4);
});

test("acting needs the scope connections, reading the scope read", async () => {
  expect((await revoke({ user: "ada" }, "r")).status).toBe(403);
  const { status, body } = await revoke({ user: "ada" }, "c");
  expect(status).toBe(200);
  expect((await call(admin, "GET", "/v1/revocations", { key: "c" })).status).toBe(403);
  expect((await call(admin, "GET", "/v1/revocations", { key: "r" })).status).toBe(200);
  expect((await call(admin, "DELETE", `/v1/revocations/${body.id}`, { key: "r" })).status).toBe(403);
});

test("nodes that are alive are told, each on its topic", async () => {
  const heard: string[] = [];
  const { directory, pubSub } = admin.backend;
  const about = { peerUrl: "http://127.0.0.1:1", startedAt: 1, connections: 0, state: "ready", version: "1" } as const;
  await directory.renew({ ...about, node: "a", sidPrefix: "a" }, 60_000);
  pubSub.onMessage((topic, message) => heard.push(`${topic} ${Buffer.from(message)}`));
  await pubSub.subscribe("test#node#{0}a#");
  await revoke({ user: "ada" });
  await expect.poll(() => heard).toEqual(['test#node#{0}a# {"compare":"revocations"}']);
});
