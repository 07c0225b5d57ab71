import { request } from "node:http";
import { type Cluster, type GatewayProcess, type TestClient, until } from "@fanfare/test-support";
import { afterEach, beforeEach, expect } from "vitest";
import { type RoundRobin, startRoundRobin } from "../conformance/round-robin.ts";
import { sharing } from "./cluster.ts";
import { PythonClient } from "./python.ts";

/** Three nodes that know each other, and a balancer that sends every single request to the next one. */
const test = sharing.extend<{ balancer: RoundRobin }>({
  balancer: async ({ cluster }, use) => {
    const balancer = await startRoundRobin(() => cluster.liveGateways.map(({ port }) => port));
    await use(balancer);
    await balancer.close();
  },
});
test.override({ clusterOptions: { gateways: 3, env: { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else" } } });

const kinds = [["polling"], ["polling", "websocket"], ["websocket"]] as const;
const channel = "public:news";

let pythons: PythonClient[];
beforeEach(() => {
  pythons = [];
});
afterEach(() => {
  for (const one of pythons) one.stop();
});

/** So many of each kind, a few at a time as clients come, all welcomed. */
async function stockClients(cluster: Cluster, via: RoundRobin, ofEach: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let count = 0; count < ofEach; count++) {
    const some = kinds.map((transports) => cluster.client({ via, transports, channels: [channel] }));
    clients.push(...(await Promise.all(some)));
  }
  return clients;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

async function heardAll(clients: readonly TestClient[], wanted: readonly number[], timeoutMs = 20_000): Promise<void> {
  await until(() => {
    const behind = clients.filter((client) => client.heard(channel).length < wanted.length);
    return behind.length === 0 ? undefined : `${behind.length} clients have not heard all ${wanted.length}`;
  }, timeoutMs);
  for (const client of clients) expect(client.heard(channel)).toEqual(wanted);
}

/** The sum of a metric's lines that contain all of these labels, over all nodes. */
async function metric(cluster: Cluster, name: string, ...labels: string[]): Promise<number> {
  let sum = 0;
  for (const { peerPort } of cluster.liveGateways) {
    const text = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
    for (const line of text.split("\n")) {
      if (line.startsWith(name) && labels.every((label) => line.includes(label))) sum += Number(line.split(" ").at(-1));
    }
  }
  return sum;
}

function reconnects(clients: readonly TestClient[]): number[] {
  return clients.map(({ connects }) => connects - 1);
}

test("stock clients whose every request goes to another node stay connected and miss nothing", async ({ cluster, balancer }) => {
  const clients = await stockClients(cluster, balancer, 10);
  const wanted = numbers(1, 300);
  await cluster.publish(channel, ...wanted);
  await heardAll(clients, wanted);
  const answers = await Promise.all(clients.map((client, n) => client.request("echo", n)));
  expect(answers.map(({ echo }) => echo)).toEqual(clients.map((_, n) => n));

  expect(new Set(reconnects(clients))).toEqual(new Set([0]));
  expect(clients.flatMap(({ connectErrors }) => connectErrors)).toEqual([]);
  expect(await metric(cluster, "fanfare_connection_errors_total", `code="ENGINE_1"`)).toBe(0);
  // Two thirds of what clients send arrives at the wrong node, so this would be nothing only if nothing were forwarded.
  expect(await metric(cluster, "fanfare_relay_requests_total", `kind="poll"`, `outcome="forwarded"`)).toBeGreaterThan(100);
});

test("websockets take their sessions along, so that none passes through two nodes", async ({ cluster, balancer }) => {
  const taken = () => metric(cluster, "fanfare_takeovers_total", `outcome="taken"`);
  const before = await taken();
  const clients: TestClient[] = [];
  for (let count = 0; count < 20; count++) clients.push(await cluster.client({ via: balancer, channels: [channel] }));
  await until(() => {
    const polling = clients.filter(({ socket }) => socket.io.engine.transport.name !== "websocket");
    return polling.length === 0 ? undefined : `${polling.length} clients are still polling`;
  });
  const own = (await taken()) - before;
  const spliced = await metric(cluster, "fanfare_spliced_connections");
  expect(own).toBeGreaterThan(5);
  expect(spliced).toBeLessThanOrEqual(0.05 * (own + spliced) + 1);
  await cluster.publish(channel, 1, 2, 3);
  await heardAll(clients, [1, 2, 3]);
});

test("a peer without the cluster's secret, or with another one, is refused and logged once", async ({ cluster }) => {
  const [owner] = cluster.gateways;
  const { peerPort = 0, sidPrefix = "" } = owner ?? {};
  const ask = (path: string, headers: Record<string, string>, method = "GET"): Promise<number> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port: peerPort, path, headers, method });
      outgoing.once("response", (answer) => resolve(answer.resume().statusCode ?? 0));
      outgoing.once("error", reject);
      outgoing.end();
    });
  const session = `/socket.io/?EIO=4&transport=polling&sid=${sidPrefix}.x`;
  const upgrade = { connection: "Upgrade", upgrade: "websocket" };
  for (const headers of [{}, { "x-fanfare-secret": "wrong" }, { "x-fanfare-secret": "" }]) {
    expect(await ask(session, headers)).toBe(401);
    expect(await ask("/socket.io/?EIO=4&transport=polling", headers)).toBe(401);
    expect(await ask(`/relay/take?sid=${sidPrefix}.x`, headers, "POST")).toBe(401);
    expect(await ask("/drain", headers, "POST")).toBe(401);
    expect(await ask(session, { ...headers, ...upgrade })).toBe(401);
  }
  expect(owner?.log().filter((line) => line.includes("peer request refused"))).toHaveLength(1);
  expect(owner?.alive).toBe(true);
});

test("a python client over polling, websocket and an upgrade stays, and comes back when its node stops", async ({
  cluster,
  balancer,
}) => {
  pythons = (["polling", "websocket", "both"] as const).map((kind) => new PythonClient(balancer.url, kind, channel));
  for (const one of pythons) {
    expect((await one.says("echo"))[0]?.answer).toEqual({ ok: true, echo: { n: [1, null, "ü"] } });
    await one.says("fanfare:welcome");
  }
  await cluster.publish(channel, ...numbers(1, 50));
  for (const one of pythons) {
    // This client runs each handler in a thread of its own: what is printed first need not have come first.
    const heard = (await one.says("message", 50)).map(({ data }) => Number(data)).sort((a, b) => a - b);
    expect(heard).toEqual(numbers(1, 50));
    expect(one.all("disconnect")).toEqual([]);
  }
  // Each of them is on one of these two at least.
  for (const gateway of [cluster.gateway(0), cluster.gateway(1)]) {
    await cluster.kill(gateway, "SIGTERM");
    await cluster.addGateway();
  }
  await cluster.kill(cluster.gateway(2), "SIGTERM");
  for (const one of pythons) {
    const gone = (await one.says("disconnect")).length;
    await one.says("fanfare:welcome", gone + 1);
  }
  await cluster.publish(channel, 51);
  for (const one of pythons) await until(() => (one.all("message").at(-1)?.data === 51 ? undefined : "51 has not come"));
});

test("clients that poll through others come back and are restored when their node is killed", async ({ cluster, balancer }) => {
  const clients = await stockClients(cluster, balancer, 6);
  await cluster.publish(channel, ...numbers(1, 20));
  await heardAll(clients, numbers(1, 20));
  await cluster.kill(cluster.gateway(0), "SIGKILL");
  await cluster.publish(channel, ...numbers(21, 60));
  await heardAll(clients, numbers(1, 60));
  for (const { connects, recoveries } of clients) expect(recoveries).toBe(connects - 1);
});

test("what was in the answer to a poll that a balancer lost and sent again comes all the same", async ({ cluster, balancer }) => {
  const clients = await Promise.all(
    [1, 2, 3].map(() => cluster.client({ via: balancer, transports: ["polling"], channels: [channel] })),
  );
  for (let round = 1; round <= 5; round++) {
    balancer.loseAnswer();
    await cluster.publish(channel, ...numbers(10 * round - 9, 10 * round));
    await heardAll(clients, numbers(1, 10 * round));
  }
  expect(reconnects(clients).reduce((sum, count) => sum + count)).toBeGreaterThan(0);
  for (const { connects, recoveries } of clients) expect(recoveries).toBe(connects - 1);
});

test("an operator's drain empties the node and ends it, and its clients go on elsewhere", async ({ cluster, balancer }) => {
  const clients = await stockClients(cluster, balancer, 4);
  const gateway = cluster.gateway(1);
  const { rest } = cluster.admin(0);
  expect((await rest.call("POST", `/v1/nodes/${gateway.node}/drain`)).status).toBe(202);
  expect(await gateway.ended).toBe("exit 0");
  await cluster.publish(channel, ...numbers(1, 20));
  await heardAll(clients, numbers(1, 20));
  const moved = clients.filter((client) => client.noticesOf("fanfare:closing").length > 0);
  for (const client of moved) {
    expect(client.noticesOf("fanfare:closing")).toEqual([{ code: "DRAINING", reason: expect.any(String), reconnect: true }]);
  }
  expect(moved.length).toBeGreaterThan(0);
  for (const { connects, recoveries } of clients) expect(recoveries).toBe(connects - 1);
});

test("a rolling restart under load loses nothing, doubles nothing and moves each client at most once a node", async ({
  cluster,
  balancer,
}) => {
  const clients = await stockClients(cluster, balancer, 20);
  let published = 0;
  let going = true;
  const producer = (async () => {
    while (going) {
      const next = performance.now() + 10;
      await cluster.publishUntilStored(channel, ++published);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
    }
  })();
  for (const old of [...cluster.gateways] as GatewayProcess[]) {
    const before = reconnects(clients);
    expect(await cluster.kill(old, "SIGTERM")).toBe("exit 0");
    await until(() => {
      const away = clients.filter(({ socket }) => !socket.connected);
      return away.length === 0 ? undefined : `${away.length} clients are away`;
    }, 15_000);
    const moves = reconnects(clients).map((count, at) => count - (before[at] ?? 0));
    expect(Math.max(...moves)).toBeLessThanOrEqual(1);
    await cluster.addGateway();
  }
  going = false;
  await producer;
  expect(published).toBeGreaterThan(100);
  await heardAll(clients, numbers(1, published));
  for (const { connects, recoveries } of clients) expect(recoveries).toBe(connects - 1);
});
