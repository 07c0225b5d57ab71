import { createHmac } from "node:crypto";
import {
  type Cluster,
  type GatewayProcess,
  PresenceWatch,
  promised,
  startCluster,
  type TestClient,
  until,
} from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from "vitest";

/* Who is here, on three nodes and to stock clients of both transports. How much of it there may be is presence-churn.test.ts. */

const tokenSecret = "0123456789abcdef0123456789abcdef";
const graceMs = 3_000;

/** Shared by all tests, each with a channel of its own: what they do to nodes leaves enough of them. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    gateways: 3,
    env: {
      FANFARE_TOKEN_SECRET: tokenSecret,
      FANFARE_PRESENCE_GRACE_MS: String(graceMs),
      FANFARE_PRESENCE_MEMBERS_MAX: "5",
    },
    rules: {
      namespaces: {
        room: { subscribe: "anyone", presence: "subscriber", joinLeave: true },
        quiet: { subscribe: "anyone", presence: "anyone" },
        plain: { subscribe: "anyone" },
      },
    },
  });
});
afterEach(() => {
  for (const client of cluster.clients) client.close();
});
afterAll(() => cluster.stop());

/** Nodes that run, a new one in place of each that another test has ended. */
async function threeNodes(): Promise<[GatewayProcess, GatewayProcess, GatewayProcess]> {
  while (cluster.liveGateways.length < 3) await cluster.addGateway();
  return cluster.liveGateways as [GatewayProcess, GatewayProcess, GatewayProcess];
}

const knowing = (watch: PresenceWatch, ...clients: readonly TestClient[]) => {
  const ids = clients.map(idOf).sort();
  return until(() => (watch.ids.join() === ids.join() ? undefined : `knows ${watch.ids} of ${ids}`), promised(10_000));
};

function tokenOf(user: string, info?: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, exp: Math.floor(Date.now() / 1_000) + 600, ...(info === undefined ? {} : { info }) };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", tokenSecret).update(signed).digest("base64url")}`;
}

const idOf = (client: TestClient): string => client.socket.id ?? "";

interface Page {
  readonly clients: number;
  readonly users: number;
  readonly members: readonly {
    readonly id: string;
    readonly user: string | null;
    readonly info: unknown;
    readonly since: number;
  }[];
}

test("three nodes: members with user and info, users once, over REST, requests and notices alike", async () => {
  onTestFailed(() => console.error(cluster.log()));
  const [a, b, c] = await threeNodes();
  const ada = await cluster.client({
    via: a,
    channels: ["room:0"],
    token: tokenOf("ada", { name: "Ada" }),
    transports: ["websocket"],
  });
  const watch = new PresenceWatch(ada, "room:0");
  await watch.load();
  // Whoever asks finds itself.
  expect(watch.ids).toEqual([idOf(ada)]);
  const tab = await cluster.client({ via: b, channels: ["room:0"], token: tokenOf("ada"), transports: ["polling"] });
  const guest = await cluster.client({ via: c, channels: ["room:0"] });
  const all = [ada, tab, guest].map(idOf).sort();
  await until(() => (watch.ids.join() === all.join() ? undefined : `knows ${watch.ids} of ${all}`));
  expect(watch).toMatchObject({ clients: 3, users: 1 });
  const { body } = await cluster.admin(0).rest.call("GET", "/v1/channels/room:0/presence");
  const { clients, users, members } = body as Page;
  expect({ clients, users, ids: members.map(({ id }) => id) }).toEqual({ clients: 3, users: 1, ids: all });
  expect(members.find(({ id }) => id === idOf(ada))).toMatchObject({ user: "ada", info: { name: "Ada" } });
  expect(members.find(({ id }) => id === idOf(guest))).toMatchObject({ user: null, info: null });
  const answer = (await guest.request("presence", "room:0")) as unknown as Page;
  expect([...answer.members].sort((x, y) => (x.id < y.id ? -1 : 1))).toEqual(members);

  await tab.request("unsubscribe", "room:0");
  guest.close();
  await until(() => (watch.ids.join() === idOf(ada) ? undefined : `knows ${watch.ids}`));
  expect(watch).toMatchObject({ clients: 1, users: 1 });
  expect(watch.left.map(({ id, reason }) => `${id} ${reason}`).sort()).toEqual(
    [
      `${idOf(tab)} unsubscribed`,
      ...watch.left.filter(({ id }) => id !== idOf(tab)).map(({ id }) => `${id} disconnected`),
    ].sort(),
  );
});

test("a client that comes back, to whichever node, has never left; one that does not leaves when its time is over", async () => {
  onTestFailed(() => console.error(cluster.log()));
  const [a] = await threeNodes();
  const watcher = await cluster.client({ via: a, channels: ["room:1"], transports: ["websocket"] });
  const watch = new PresenceWatch(watcher, "room:1");
  await watch.load();
  const wanderer = await cluster.client({ channels: ["room:1"], transports: ["websocket"] });
  const id = idOf(wanderer);
  await until(() => (watch.members.has(id) ? undefined : "the wanderer has not come"));
  const since = watch.members.get(id)?.since;
  for (let times = 2; times <= 4; times++) {
    wanderer.socket.io.engine.close();
    await until(() => (wanderer.connects >= times ? undefined : `connected ${wanderer.connects} times`), 15_000);
    expect(wanderer.socket.recovered).toBe(true);
    // It is told that it does not know what it has missed, as soon as it is in the channel again.
    const told = () => (wanderer.noticesOf("fanfare:presence") as { reload?: true }[]).filter(({ reload }) => reload).length;
    await until(() => (told() === times - 1 ? undefined : `told ${told()} times to ask again`));
  }
  wanderer.socket.io.reconnection(false);
  const lostAtMs = performance.now();
  wanderer.socket.io.engine.close();
  await until(() => (watch.members.has(id) ? "still there" : undefined), promised(15_000));
  const goneAfterMs = performance.now() - lostAtMs;
  expect(goneAfterMs).toBeGreaterThan(graceMs - 100);
  // One join and one leave in all: none of the returns was told.
  expect(watch.joined.filter((member) => member.id === id)).toEqual([expect.objectContaining({ since })]);
  expect(watch.left.filter((member) => member.id === id)).toEqual([expect.objectContaining({ reason: "disconnected", since })]);
});

test("members of a node that is killed leave with node_lost within 10 s, except those that are back elsewhere", async () => {
  onTestFailed(() => console.error(cluster.log()));
  const [dying, other] = await threeNodes();
  const watcher = await cluster.client({ via: other, channels: ["room:2"], transports: ["websocket"] });
  const watch = new PresenceWatch(watcher, "room:2");
  const lost = await cluster.client({ via: dying, channels: ["room:2"], token: tokenOf("eve"), transports: ["websocket"] });
  const lostId = idOf(lost);
  // Through the balancer, so that it finds another node; until it is on the one that dies.
  let moving: TestClient | undefined;
  for (let tries = 0; moving === undefined; tries++) {
    const candidate = await cluster.client({ channels: ["room:2"], token: tokenOf("bob"), transports: ["websocket"] });
    if ((await candidate.request("whoami")).node === dying.node) moving = candidate;
    else candidate.close();
    if (tries > 20) throw new Error("the balancer never chose the node");
  }
  const movingId = idOf(moving);
  await watch.load();
  await knowing(watch, watcher, lost, moving);
  const killedAtMs = performance.now();
  await cluster.kill(dying, "SIGKILL");
  await until(() => (watch.members.has(lostId) ? "still there" : undefined), promised(15_000));
  expect(performance.now() - killedAtMs).toBeLessThan(promised(10_000));
  expect(watch.left.find(({ id }) => id === lostId)).toMatchObject({ reason: "node_lost", user: "eve" });
  await until(() => (moving?.recoveries === 1 ? undefined : "not back"), 15_000);
  expect(watch.ids).toEqual([idOf(watcher), movingId].sort());
  expect(watch.left.filter(({ id }) => id === movingId)).toEqual([]);
  const { body } = await cluster.admin(0).rest.call("GET", "/v1/channels/room:2/presence");
  expect(body).toMatchObject({ clients: 2, users: 1 });
});

test("when Redis comes back empty everybody is still there, and nobody is told of joins or leaves that were none", async () => {
  onTestFailed(() => console.error(cluster.log()));
  const clients = await Promise.all(
    (await threeNodes()).map((via) => cluster.client({ via, channels: ["room:3"], transports: ["websocket"] })),
  );
  const watches = clients.map((client) => new PresenceWatch(client, "room:3"));
  await Promise.all(watches.map((watch) => watch.load()));
  const all = clients.map(idOf).sort();
  await until(() => (watches.every((watch) => watch.ids.join() === all.join()) ? undefined : "not all know all"));
  await cluster.redis.cli("flushall");
  const rest = async () => (await cluster.admin(0).rest.call("GET", "/v1/channels/room:3/presence")).body as Page;
  await until(
    async () => ((await rest()).clients === 3 ? undefined : `${(await rest()).clients} of 3 are back`),
    promised(10_000),
  );
  expect((await rest()).members.map(({ id }) => id)).toEqual(all);
  // What comes next is told, and it is all that is told.
  const late = await cluster.client({ channels: ["room:3"], transports: ["websocket"] });
  await until(() => (watches.every((watch) => watch.members.has(idOf(late))) ? undefined : "the late one is not known"), 15_000);
  for (const watch of watches) {
    expect(watch.left).toEqual([]);
    for (const id of all) expect(watch.joined.filter((member) => member.id === id).length).toBeLessThanOrEqual(1);
  }
  expect(watches.map(({ ids }) => ids.length)).toEqual([4, 4, 4]);
});

test("a large channel is told in counts only, and one by one again when it has shrunk", async () => {
  onTestFailed(() => console.error(cluster.log()));
  const clients: TestClient[] = [];
  for (let count = 0; count < 6; count++) clients.push(await cluster.client({ channels: ["room:4"], transports: ["websocket"] }));
  const [first] = clients as [TestClient];
  const watch = new PresenceWatch(first, "room:4");
  await watch.load();
  await until(() => (watch.clients === 6 && watch.countsOnly ? undefined : `${watch.clients} clients`));
  expect(await first.request("presence", "room:4")).not.toHaveProperty("members");
  const joinedBefore = watch.joined.length;
  const extra = await cluster.client({ channels: ["room:4"], transports: ["websocket"] });
  await until(() => (watch.clients === 7 ? undefined : `${watch.clients} clients`));
  expect(watch.joined).toHaveLength(joinedBefore);
  extra.close();
  for (const client of clients.slice(3)) client.close();
  const staying = clients.slice(0, 3).map(idOf).sort();
  await until(() => (watch.ids.join() === staying.join() ? undefined : `knows ${watch.ids}`), 10_000);
  expect(watch).toMatchObject({ clients: 3, countsOnly: false });
});

test("presence follows the rules: for subscribers, silently, or not at all", async () => {
  onTestFailed(() => console.error(cluster.log()));
  const client = await cluster.client({ channels: ["quiet:5", "plain:5"], transports: ["websocket"] });
  expect(await client.request("presence", "room:5")).toMatchObject({ ok: false, error: { code: "NOT_SUBSCRIBED" } });
  expect(await client.request("presence", "plain:5")).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
  expect(await client.request("presence", "quiet:5")).toMatchObject({ ok: true, clients: 1, members: [{ id: idOf(client) }] });
  const other = await cluster.client({ channels: ["quiet:5"], transports: ["polling"] });
  expect(await other.request("presence", { channel: "quiet:5" })).toMatchObject({ ok: true, clients: 2, users: 0 });
  expect(client.noticesOf("fanfare:presence")).toEqual([]);
  expect(await cluster.redis.cli("keys", "*:presence*:plain:5")).toEqual([]);
});

test("a node that stops hands its members over: those that return have never left", async () => {
  onTestFailed(() => console.error(cluster.log()));
  const [leaving, other] = await threeNodes();
  const watcher = await cluster.client({ via: other, channels: ["room:6"], transports: ["websocket"] });
  const watch = new PresenceWatch(watcher, "room:6");
  const stranded = await cluster.client({ via: leaving, channels: ["room:6"], transports: ["websocket"] });
  const returning = await Promise.all([1, 2].map(() => cluster.client({ channels: ["room:6"], transports: ["websocket"] })));
  await watch.load();
  await knowing(watch, watcher, stranded, ...returning);
  const strandedId = idOf(stranded);
  await cluster.kill(leaving, "SIGTERM");
  await until(() => (watch.members.has(strandedId) ? "still there" : undefined), promised(20_000));
  expect(watch.left).toEqual([expect.objectContaining({ id: strandedId, reason: "disconnected" })]);
  expect(watch.ids).toEqual([idOf(watcher), ...returning.map(idOf)].sort());
});
