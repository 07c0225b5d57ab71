import { createHmac } from "node:crypto";
import { type Cluster, promised, startCluster, type TestClient, until } from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, expect, type TestContext, test } from "vitest";

const tokenSecret = "0123456789abcdef0123456789abcdef";

/* One cluster for all tests, which follow one another: the last one kills a node. */
let cluster: Cluster;
let clients: TestClient[] = [];
beforeAll(async () => {
  cluster = await startCluster({ gateways: 3, env: { FANFARE_TOKEN_SECRET: tokenSecret } });
});
afterEach(({ task }: TestContext) => {
  for (const client of clients.splice(0)) client.close();
  if (task.result?.state === "fail") console.error(cluster.log());
});
afterAll(() => cluster.stop());

interface Listed {
  readonly id: string;
  readonly user: string | null;
  readonly node: string;
  readonly transport: string;
  readonly address: string;
  readonly client?: string;
  readonly since: number;
  readonly channels: readonly string[];
}

interface Page {
  readonly items: readonly Listed[];
  readonly next: string | null;
  readonly nodesMissing: readonly string[];
}

const users = ["ada", "bob", undefined] as const;
const ways = [["polling"], ["websocket"], undefined] as const;

/** Clients of all transports on all nodes, every second of them in two channels. */
async function openClients(count: number): Promise<void> {
  clients = await Promise.all(
    Array.from({ length: count }, (_, number) => {
      const user = users[number % 3];
      return cluster.client({
        transports: ways[(number >> 1) % 3],
        channels: number % 2 === 0 ? ["public:a"] : ["public:a", "public:b"],
        ...(user === undefined ? {} : { token: tokenOf(user) }),
      });
    }),
  );
}

/** What the clients know of themselves, as the list should show it. */
function truth(of: readonly TestClient[]): Record<string, unknown> {
  return Object.fromEntries(
    of.map((client) => {
      const { id, node, user, channels } = client.noticesOf("fanfare:welcome").at(-1) as Listed;
      const transport = client.socket.io.engine?.transport.name;
      return [id, { node, user, channels: [...channels].sort(), transport }];
    }),
  );
}

async function list(path = "/v1/connections", limit = 7): Promise<Listed[]> {
  const { rest } = cluster.admin(0);
  const items: Listed[] = [];
  for (let cursor = ""; ; ) {
    const { status, body } = await rest.call("GET", `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${cursor}`);
    if (status !== 200) throw new Error(`${path} is answered ${status} ${JSON.stringify(body)}`);
    const page = body as Page;
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = `&cursor=${page.next}`;
  }
}

async function shown(): Promise<Record<string, unknown>> {
  const items = await list();
  expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  return Object.fromEntries(items.map(({ id, node, user, channels, transport }) => [id, { node, user, channels, transport }]));
}

async function untilTrue(expected: readonly TestClient[], ms: number): Promise<void> {
  await until(async () => {
    const [is, said] = [truth(expected), await shown()];
    const wrong = [...new Set([...Object.keys(is), ...Object.keys(said)])].find(
      (id) => JSON.stringify(is[id], order) !== JSON.stringify(said[id], order),
    );
    return wrong === undefined
      ? undefined
      : `${wrong} is ${JSON.stringify(is[wrong])} and is shown ${JSON.stringify(said[wrong])}`;
  }, ms);
}

/** The same order of members, whoever made the object. */
const order = ["node", "user", "channels", "transport"];

function missing(): Promise<readonly string[]> {
  return cluster
    .admin(0)
    .rest.call("GET", "/v1/connections?limit=1")
    .then(({ body }) => (body as Page).nodesMissing);
}

test("the lists are the truth, over transports, upgrades, subscriptions and ends", async () => {
  await openClients(24);
  await untilTrue(clients, 5_000);
  const [some] = await list("/v1/connections?user=ada&channel=public:b");
  expect(some).toMatchObject({ user: "ada", address: "127.0.0.1", channels: ["public:a", "public:b"] });
  expect(Math.abs(Date.now() - (some?.since ?? 0))).toBeLessThan(60_000);
  const polling = (await list()).find(({ transport }) => transport === "polling");
  expect(polling?.client).toBe("node-XMLHttpRequest");
  expect(await list("/v1/users/ada/connections")).toHaveLength(8);
  expect(await list("/v1/channels/public%3Ab/connections")).toHaveLength(12);
  const { rest } = cluster.admin(0);
  expect((await rest.call("GET", "/v1/channels?prefix=public:")).body).toEqual({
    items: [
      { channel: "public:a", subscribers: 24 },
      { channel: "public:b", subscribers: 12 },
    ],
    next: null,
    nodesMissing: [],
  });
  expect((await rest.call("GET", "/v1/users")).body).toMatchObject({
    items: [
      { user: "ada", connections: 8 },
      { user: "bob", connections: 8 },
    ],
  });

  const [leaving, mover] = clients as [TestClient, TestClient];
  const [left, id] = [String(leaving.socket.id), String(mover.socket.id)];
  leaving.close();
  await mover.request("unsubscribe", "public:a");
  await mover.subscribe("public:c");
  await until(async () => {
    const { body } = await rest.call("GET", `/v1/connections/${id}`);
    const { channels } = body as Listed;
    return channels.join() === "public:b,public:c" ? undefined : `its channels are ${channels}`;
  });
  await until(async () => {
    const { status } = await rest.call("GET", `/v1/connections/${left}`);
    return status === 404 ? undefined : `who has left is answered ${status}`;
  });
  await until(async () => {
    const { body } = await rest.call("GET", "/v1/stats");
    const { nodes, connections, transports, channels, users: named } = body as Record<string, unknown>;
    const said = JSON.stringify([nodes, connections, transports, channels, named]);
    return said === JSON.stringify([3, 23, { websocket: 16, polling: 7 }, 3, 2]) ? undefined : said;
  });
  await until(async () => {
    await cluster.publish("public:b", 1);
    const { publicationsPerSecond, deliveriesPerSecond } = (await rest.call("GET", "/v1/stats")).body as Record<string, number>;
    return publicationsPerSecond && deliveriesPerSecond ? undefined : `${publicationsPerSecond} and ${deliveriesPerSecond}`;
  });
});

test("after Redis has come back empty the nodes say everything again", async () => {
  await openClients(12);
  await untilTrue(clients, 5_000);
  await cluster.redis.cli("flushall");
  await untilTrue(clients, 10_000);
  expect(await missing()).toEqual([]);
});

test("a killed node is missing at first, and then its clients are listed once, where they are now", async () => {
  await openClients(24);
  await untilTrue(clients, 5_000);
  const { node } = cluster.gateway(1);
  // One whose client never comes back: only a survivor can remove it.
  const [lonely, ...others] = clients.filter((client) => (client.noticesOf("fanfare:welcome")[0] as Listed).node === node);
  lonely?.socket.io.reconnection(false);
  const killedMs = performance.now();
  await cluster.kill(cluster.gateway(1), "SIGKILL");
  await until(async () => ((await missing()).includes(node) ? undefined : "not missing yet"), promised(6_000));
  await until(async () => ((await missing()).length === 0 ? undefined : "still missing"), promised(10_000));
  expect(performance.now() - killedMs).toBeLessThan(promised(10_000));
  const rest = clients.filter((client) => client !== lonely);
  await untilTrue(rest, 5_000);
  expect(others.every(({ recoveries }) => recoveries === 1)).toBe(true);
  expect(cluster.log()).toContain("cleaned up behind lost nodes");
});

function tokenOf(user: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1_000) + 600 })}`;
  return `${signed}.${createHmac("sha256", tokenSecret).update(signed).digest("base64url")}`;
}
