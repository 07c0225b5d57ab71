import { channelName, type PresenceChange } from "@fanfare/domain";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
beforeEach(async () => {
  admin = await testAdmin();
  await admin.backend.presence.beat(0, "node.1", 60_000);
});
afterEach(() => admin.close());

const url = "/v1/channels/crowd:a/presence";

async function enter(count: number): Promise<void> {
  const joins = Array.from({ length: count }, (_, number): PresenceChange => {
    const member = { id: `s${String(number).padStart(5, "0")}`, user: `user${number % 3}`, info: { number }, since: 7 };
    return { kind: "join", turn: 1, member };
  });
  await admin.backend.presence.apply("node.1", channelName("crowd:a"), joins, { stays: true, membersMax: 1_000 });
}

test("presence lists the members of a channel with their users counted once", async () => {
  await enter(4);
  const { status, body } = await call(admin, "GET", url);
  expect(status).toBe(200);
  expect(body).toMatchObject({ channel: "crowd:a", clients: 4, users: 3, next: null });
  expect(body.members[3]).toEqual({ id: "s00003", user: "user0", info: { number: 3 }, since: 7 });
});

test("presence of an empty channel is empty", async () => {
  expect((await call(admin, "GET", url)).body).toEqual({ channel: "crowd:a", clients: 0, users: 0, members: [], next: null });
});

test.each([100, 2_500])(
  "the members of %i are read to the end by cursors, each once, while others come and go",
  async (count) => {
    await enter(count);
    const seen: string[] = [];
    let query = "limit=70";
    for (let pages = 0; pages <= count; pages++) {
      const { body } = await call(admin, "GET", `${url}?${query}`);
      seen.push(...body.members.map(({ id }: { id: string }) => id));
      if (body.next === null) break;
      query = `limit=70&cursor=${body.next}`;
      const gone: PresenceChange = { kind: "leave", turn: 1, id: seen.at(-1) ?? "", reason: "unsubscribed" };
      await admin.backend.presence.apply("node.1", channelName("crowd:a"), [gone], { stays: true, membersMax: 1_000 });
    }
    expect(seen).toEqual(Array.from({ length: count }, (_, number) => `s${String(number).padStart(5, "0")}`));
  },
);

test("presence of a channel whose rules keep no account is refused by name", async () => {
  const { status, body } = await call(admin, "GET", "/v1/channels/news/presence");
  expect([status, body.code]).toEqual([422, "PRESENCE_OFF"]);
});

test("a cursor that is none is refused by name", async () => {
  const { status, body } = await call(admin, "GET", `${url}?cursor=x`);
  expect([status, body.code]).toEqual([400, "REQUEST_INVALID"]);
});
