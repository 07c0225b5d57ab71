import { writeFile } from "node:fs/promises";
import type { NamespaceRules } from "@fanfare/domain";
import { type TestClient, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "./cluster.ts";
import { tokenOf, tokenSecret } from "./tokens.ts";

/* What becomes of a connection whose token, or whose rules, change while it is open. */

const team: NamespaceRules = { subscribe: "token", publish: "token", payloadBytesMax: 20, events: ["message", "note"] };

test.override({
  clusterOptions: {
    env: { FANFARE_TOKEN_SECRET: tokenSecret },
    rules: { namespaces: { public: { subscribe: "anyone" }, team } },
  },
});

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;
const channelsOf = async (client: TestClient) => ((await client.request("whoami")) as unknown as { channels: string[] }).channels;

test("a client is told that its token expires; refreshed it stays, else it is sent away and comes back with a fresh one", async ({
  cluster,
}) => {
  const brief = (channels: readonly string[]) => tokenOf({ sub: "ada", channels, exp: inSeconds(4) });
  const [refreshing, returning, stubborn] = await Promise.all(
    (["websocket", "websocket", "polling"] as const).map((transport) =>
      cluster.client({ transports: [transport], channels: ["public:a", "team:a"], token: brief(["team:*"]) }),
    ),
  );
  if (refreshing === undefined || returning === undefined || stubborn === undefined) throw new Error("unreachable");
  // As an application does it: a function that is asked for a token at every connect. What it had stays for the client to add.
  let fresh = 0;
  const first = returning.socket.auth as Record<string, unknown>;
  returning.socket.auth = (give: (auth: object) => void) => {
    fresh++;
    give({ channels: first.channels, token: tokenOf({ sub: "ada", channels: ["team:*"] }) });
  };
  const clients = [refreshing, returning, stubborn];
  await until(
    () => clients.map((client) => (client.noticesOf("fanfare:expiring").length === 1 ? undefined : "not told")).find(Boolean),
    10_000,
  );
  for (const client of clients) {
    const [{ inMs }] = client.noticesOf("fanfare:expiring") as [{ inMs: number }];
    expect(inMs).toBeGreaterThanOrEqual(0);
    expect(inMs).toBeLessThan(4_000);
  }

  // A fresh token of the same user; what it no longer grants ends, what it grants now is open.
  expect(await refreshing.request("refresh", { token: tokenOf({ sub: "eve" }) })).toMatchObject({
    ok: false,
    error: { code: "FORBIDDEN" },
  });
  expect(await refreshing.request("refresh", { token: tokenOf({}) })).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
  expect(await refreshing.request("refresh", { token: "x" })).toMatchObject({ ok: false, error: { code: "TOKEN_INVALID" } });
  expect(await refreshing.request("refresh", {})).toMatchObject({ ok: false, error: { code: "REQUEST_INVALID" } });
  expect(await channelsOf(refreshing)).toEqual(["public:a", "team:a"]);
  const exp = inSeconds(3_600);
  expect(await refreshing.request("refresh", { token: tokenOf({ sub: "ada", channels: ["team:b"], exp }) })).toEqual({
    ok: true,
    expiresAt: exp * 1_000,
  });
  expect(refreshing.noticesOf("fanfare:unsubscribed")).toEqual([{ channel: "team:a", code: "FORBIDDEN" }]);
  expect((await refreshing.subscribe("team:b")).epoch).toBeTruthy();

  await until(
    () =>
      [returning, stubborn]
        .map((client) => (client.noticesOf("fanfare:closing").length === 1 ? undefined : "open"))
        .find(Boolean),
    15_000,
  );
  expect(returning.noticesOf("fanfare:closing")).toEqual([
    { code: "TOKEN_EXPIRED", reason: expect.stringContaining("expired"), reconnect: true },
  ]);
  await until(() => (returning.recoveries === 1 ? undefined : "not back"), 10_000);
  expect(fresh).toBe(1);
  // A node says that a session is recovered before it is in all of its channels again.
  await until(async () => {
    const channels = (await channelsOf(returning)).sort().join();
    return channels === "public:a,team:a" ? undefined : `in ${channels}`;
  });
  // It shows the old one again, and learns from the refusal.
  await until(() => (stubborn.connectErrors.length > 0 ? undefined : "not refused"), 10_000);
  expect(stubborn.connectErrors[0]?.data?.code).toBe("TOKEN_EXPIRED");
  expect(refreshing.connects).toBe(1);
  expect(await channelsOf(refreshing)).toEqual(["public:a", "team:b"]);

  // What was published meanwhile has reached who was away.
  await cluster.publish("team:a", 1);
  await until(() => (returning.heard("team:a").length === 1 ? undefined : "not heard"));
});

test("rules that change hold at once for everybody who is connected; a file with a mistake changes nothing", async ({
  cluster,
}) => {
  const client = await cluster.client({
    channels: ["public:a", "team:a", "user:ada"],
    token: tokenOf({ sub: "ada", channels: ["team:*"], publish: ["team:*"] }),
  });
  const codes = async (...requests: object[]) =>
    Promise.all(requests.map(async (request) => ((await client.request("publish", request)).error?.code ?? "ok") as string));
  expect(
    await codes(
      { channel: "team:a", data: "x".repeat(18) },
      { channel: "team:a", data: "x".repeat(19) },
      { channel: "team:a", data: 1, event: "note" },
      { channel: "team:a", data: 1, event: "other" },
    ),
  ).toEqual(["ok", "PAYLOAD_TOO_LARGE", "ok", "FORBIDDEN"]);

  await writeFile(cluster.rulesPath, JSON.stringify({ namespaces: { public: { subscribe: "all" } } }));
  await until(() => (cluster.log().includes("rules not reloaded") ? undefined : "not noticed"), 10_000);
  expect((await channelsOf(client)).sort()).toEqual(["public:a", "team:a", "user:ada"]);

  await writeFile(cluster.rulesPath, JSON.stringify({ namespaces: { team: { ...team, events: ["other"] } } }));
  // At once where somebody says so, within a few seconds anyway.
  for (const gateway of cluster.gateways) gateway.signal("SIGHUP");
  await until(() => (client.noticesOf("fanfare:unsubscribed").length === 1 ? undefined : "not told"), 10_000);
  expect(client.noticesOf("fanfare:unsubscribed")).toEqual([{ channel: "public:a", code: "FORBIDDEN" }]);
  expect((await channelsOf(client)).sort()).toEqual(["team:a", "user:ada"]);
  expect(await codes({ channel: "team:a", data: 1 }, { channel: "team:a", data: 1, event: "other" })).toEqual([
    "FORBIDDEN",
    "ok",
  ]);
  expect(client.connects).toBe(1);
});
