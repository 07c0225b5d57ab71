import { createHmac } from "node:crypto";
import { type TestClient, until } from "@fanfare/test-support";
import { io } from "socket.io-client";
import { describe, expect } from "vitest";
import { sharing as test } from "./cluster.ts";

/* What a stock client gets when it comes back, and what it must not get. How often it comes back is the matter of test/chaos. */

const tokenSecret = "0123456789abcdef0123456789abcdef";

test.override({
  clusterOptions: {
    gateways: 2,
    env: { FANFARE_TOKEN_SECRET: tokenSecret },
    rules: {
      namespaces: {
        public: { subscribe: "anyone", history: "anyone" },
        brief: { subscribe: "anyone", retain: { count: 2, seconds: 600 } },
        team: { subscribe: "token" },
      },
    },
  },
});

function tokenOf(user: string, channels: readonly string[], ttlSeconds = 60): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, channels, exp: Math.floor(Date.now() / 1_000) + ttlSeconds };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", tokenSecret).update(signed).digest("base64url")}`;
}

/** As a network that breaks: the client is not asked, and comes back by itself. */
function breakConnection(client: TestClient): void {
  client.socket.io.engine.close();
}

const back = (client: TestClient, connects = 2) =>
  until(() => (client.connects >= connects ? undefined : `connected ${client.connects} times`), 15_000);

test("a client that has heard nothing yet is recovered: its id, its channels and everything since its welcome", async ({
  cluster,
}) => {
  const [dying] = cluster.gateways;
  const client = await cluster.client({ channels: ["public:a", "public:b"], transports: ["websocket"] });
  const id = client.socket.id;
  await client.subscribe("public:c");
  const { node } = (await client.request("whoami")) as unknown as { node: string };
  const owner = cluster.gateways.find((gateway) => gateway.node === node) ?? dying;
  if (owner === undefined) throw new Error("there is no node");
  await cluster.kill(owner, "SIGKILL");
  await cluster.publish("public:a", 1, 2);
  await cluster.publish("public:c", 3);
  await back(client);
  expect(client.socket).toMatchObject({ recovered: true, id });
  await until(() => (client.heard("public:c").length === 1 ? undefined : "public:c has not come"));
  expect([client.heard("public:a"), client.heard("public:c")]).toEqual([[1, 2], [3]]);
  const { channels } = (await client.request("whoami")) as unknown as { channels: string[] };
  expect(channels.sort()).toEqual(["public:a", "public:b", "public:c"]);
});

test("a connection whose session goes on at another node is closed there", async ({ cluster }) => {
  const client = await cluster.client({ via: cluster.gateway(0), channels: ["public:a"], transports: ["websocket"] });
  await cluster.publish("public:a", 1);
  await until(() => (client.heard("public:a").length === 1 ? undefined : "1 has not come"));
  const { id, _pid: pid, _lastOffset: offset } = client.socket as unknown as Record<"id" | "_pid" | "_lastOffset", string>;
  let closed: string | undefined;
  client.socket.once("disconnect", (reason) => {
    closed = reason;
  });
  client.socket.io.reconnection(false);
  // As a client does that has lost this connection before its node has.
  const other = io(`http://127.0.0.1:${cluster.gateway(1).port}`, {
    auth: { pid, offset },
    transports: ["websocket"],
    forceNew: true,
  });
  try {
    await until(() => (other.id === id ? undefined : `it is ${other.id}, not ${id}`));
    await until(() => (closed === "transport close" ? undefined : `the first one is ${closed ?? "open"}`));
  } finally {
    other.close();
  }
});

test("a channel that was left before the break is not entered again", async ({ cluster }) => {
  const client = await cluster.client({ channels: ["public:a"], transports: ["websocket"] });
  await client.subscribe("public:b");
  await client.request("unsubscribe", "public:a");
  breakConnection(client);
  await back(client);
  expect(client.socket.recovered).toBe(true);
  await until(async () => {
    const { channels } = (await client.request("whoami")) as unknown as { channels: string[] };
    return channels.join() === "public:b" ? undefined : `in ${channels}`;
  });
});

test("where the log no longer reaches back the client is told, channel by channel", async ({ cluster }) => {
  const client = await cluster.client({ channels: ["brief:a", "public:a"], transports: ["websocket"] });
  await cluster.publish("brief:a", 1);
  await until(() => (client.heard("brief:a").length === 1 ? undefined : "1 has not come"));
  cluster.balancer.become("refuse");
  breakConnection(client);
  await cluster.publish("brief:a", 2, 3, 4);
  await cluster.publish("public:a", 5);
  cluster.balancer.become("pass");
  await back(client);
  await until(
    () => (client.heard("brief:a").length === 3 && client.heard("public:a").length === 1 ? undefined : "not all has come"),
    15_000,
  );
  expect(client.socket.recovered).toBe(true);
  expect(client.heard("brief:a")).toEqual([1, 3, 4]);
  expect(client.resets()).toMatchObject([{ channel: "brief:a", reason: "trimmed" }]);
  const places = client.history.filter((entry) => entry.kind === "reset" || (entry.kind === "heard" && entry.data === 3));
  expect(places.map(({ kind }) => kind)).toEqual(["reset", "heard"]);
});

test("a session is its user's: another user's token with its secret begins anew", async ({ cluster }) => {
  const client = await cluster.client({ channels: ["team:a"], token: tokenOf("ada", ["team:*"]), transports: ["websocket"] });
  const id = client.socket.id;
  client.socket.auth = { ...client.socket.auth, channels: [], token: tokenOf("eve", []) };
  breakConnection(client);
  await back(client);
  expect(client.socket.recovered).toBe(false);
  expect(client.socket.id).not.toBe(id);
  await until(async () => {
    const me = await client.request("whoami");
    return me.user === "eve" ? undefined : `still ${me.user}`;
  });
  expect(await client.request("whoami")).toMatchObject({ user: "eve", channels: [] });
});

test("a token that no longer grants a channel does not bring it back, and one that has expired brings nothing", async ({
  cluster,
}) => {
  const client = await cluster.client({
    channels: ["team:a", "public:a"],
    token: tokenOf("ada", ["team:*"]),
    transports: ["websocket"],
  });
  client.socket.auth = { ...client.socket.auth, token: tokenOf("ada", []) };
  breakConnection(client);
  await back(client);
  expect(client.socket.recovered).toBe(true);
  await until(() => (client.noticesOf("fanfare:unsubscribed").length === 1 ? undefined : "not told"));
  expect(client.noticesOf("fanfare:unsubscribed")).toEqual([{ channel: "team:a", code: "FORBIDDEN" }]);

  client.socket.auth = { ...client.socket.auth, token: tokenOf("ada", ["team:*"], -10) };
  breakConnection(client);
  await until(() => (client.connectErrors.length > 0 ? undefined : "not refused"), 15_000);
  expect(client.connectErrors.at(-1)?.data?.code).toBe("TOKEN_EXPIRED");
});

test("a secret that nobody gave out, or a place that is none, begins a session and nothing else", async ({ cluster }) => {
  for (const auth of [
    { pid: "nobody", offset: "1.0" },
    { pid: "nobody", offset: "x" },
    { pid: 7, offset: "1.0" },
    { pid: "p".repeat(10_000), offset: "1.0" },
    { pid: "nobody", offset: `1.${"9".repeat(40)}` },
    { pid: "__proto__", offset: "1.0.0.0" },
  ]) {
    const client = await cluster.client({ wait: false, transports: ["websocket"] });
    client.socket.disconnect();
    client.socket.auth = auth;
    client.socket.connect();
    await until(() => (client.socket.connected ? undefined : `${client.connectErrors.at(-1)?.message}`));
    expect(client.socket.recovered, JSON.stringify(auth).slice(0, 60)).toBe(false);
  }
});

test("a client that said goodbye leaves no session behind", async ({ cluster }) => {
  const all = () => cluster.redis.cli("keys", "*:session:*") as Promise<string[]>;
  const others = await all();
  const client = await cluster.client({ channels: ["public:a"], transports: ["websocket"] });
  const keys = async () => (await all()).filter((key) => !others.includes(key));
  await until(async () => ((await keys()).length === 1 ? undefined : `${await keys()}`));
  client.socket.disconnect();
  await until(async () => ((await keys()).length === 0 ? undefined : `${await keys()}`));
});

test("publications carry a bookmark, always as the third of three arguments", async ({ cluster }) => {
  const client = await cluster.client({ channels: ["public:a"] });
  await cluster.publish("public:a", 1);
  await until(() => (client.publications("public:a").length === 1 ? undefined : "1 has not come"));
  expect(client.publications("public:a")[0]).toMatchObject({ arity: 3, bookmark: expect.stringMatching(/^1\.\d+$/) });
});

describe("with recovery off", () => {
  test.override({
    clusterOptions: { gateways: 1, env: { FANFARE_RECOVERY: "off" }, rules: { namespaces: { public: { subscribe: "anyone" } } } },
  });

  test("nothing carries a bookmark, there are still three arguments, and a client that comes back begins anew", async ({
    cluster,
  }) => {
    const client = await cluster.client({ channels: ["public:a"], transports: ["websocket"] });
    await cluster.publish("public:a", 1);
    await until(() => (client.publications("public:a").length === 1 ? undefined : "1 has not come"));
    expect(client.publications("public:a")[0]).toMatchObject({ arity: 3, bookmark: null });
    breakConnection(client);
    await back(client);
    // The stock client says undefined where the server gave it nothing to come back with.
    expect(client.socket.recovered).toBeFalsy();
    expect(await cluster.redis.cli("keys", "*:session:*")).toEqual([]);
  });
});
