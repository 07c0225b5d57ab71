import { type Acked, type Cluster, judge, type TestClient, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { type Load, startLoad } from "../chaos/load.ts";
import { test as plain } from "./cluster.ts";
import { type ConfigFile, type RealBalancer, startRealBalancer } from "./real-balancer.ts";

const channel = "public:news";
const secret = { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else" };
const kinds = [["polling"], ["polling", "websocket"], ["websocket"]] as const;

const test = plain.extend<{ file: ConfigFile; balancer: RealBalancer }>({
  file: "haproxy/haproxy.cfg",
  balancer: async ({ file, cluster, onTestFailed }, use) => {
    const balancer = await startRealBalancer(file, cluster.gateways);
    onTestFailed(() => console.error(balancer.log()));
    await use(balancer);
    await balancer.stop();
  },
});
test.override({ clusterOptions: { gateways: 3, env: secret } });

/** So many of each kind, a few at a time as clients come. Each with a key of its own, for balancers that go by one. */
async function stockClients(cluster: Cluster, via: RealBalancer, ofEach: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let count = 0; count < ofEach; count++) {
    const some = kinds.map((transports, kind) =>
      cluster.client({ via, transports, channels: [channel], query: { key: `${kind}-${count}` } }),
    );
    clients.push(...(await Promise.all(some)));
  }
  return clients;
}

/** Until so many more publications are stored. */
async function goesOn({ acked }: Load, count: number): Promise<void> {
  const due = acked.length + count;
  await until(() => (acked.length < due ? `only ${acked.length} of ${due} publications are stored` : undefined), 20_000);
}

async function allBack(clients: readonly TestClient[]): Promise<void> {
  await until(() => {
    const away = clients.filter(({ socket }) => !socket.connected);
    return away.length === 0 ? undefined : `${away.length} clients are away`;
  }, 15_000);
}

async function allHeard(clients: readonly TestClient[], acked: readonly Acked[]): Promise<void> {
  await until(() => {
    const behind = clients.filter((client) => client.heard(channel).length < acked.length);
    return behind.length === 0 ? undefined : `${behind.length} clients have not heard all ${acked.length}`;
  }, 15_000);
}

function connects(clients: readonly TestClient[]): number[] {
  return clients.map((client) => client.connects);
}

function expectFlawless(clients: readonly TestClient[], acked: readonly Acked[]): void {
  const judged = clients.map(({ history }, at) => ({ name: `client ${at}`, channels: [channel], history }));
  expect(judge(acked, judged)).toEqual({ lost: [], doubled: [], disordered: [], wrong: [], excused: 0, resets: 0, fresh: 0 });
}

describe.each(["haproxy/haproxy.cfg", "nginx/nginx.conf"] as const)("behind %s, without stickiness", (file) => {
  test.override({ file });

  test("clients of every kind stay through a reload, and come back with all they missed from a stopped and a killed node", async ({
    cluster,
    balancer,
  }) => {
    const clients = await stockClients(cluster, balancer, 5);
    const load = startLoad(cluster, [channel], file);
    await goesOn(load, 100);
    // Whoever was refused a session, or lost one, would have had to connect again.
    expect(new Set(connects(clients))).toEqual(new Set([1]));
    expect(clients.flatMap(({ connectErrors }) => connectErrors)).toEqual([]);

    const [first, second, third] = [cluster.gateway(0), cluster.gateway(1), cluster.gateway(2)];
    expect(await cluster.kill(first, "SIGTERM")).toBe("exit 0");
    await allBack(clients);
    const moves = connects(clients).map((count) => count - 1);
    expect(Math.max(...moves)).toBe(1);
    expect(Math.min(...moves)).toBe(0);

    const afterStop = connects(clients);
    const fourth = await cluster.addGateway();
    await balancer.reload([fourth, second, third]);
    await goesOn(load, 100);
    expect(connects(clients)).toEqual(afterStop);
    // With the old process's connections only, the new node would have nobody.
    const late = await stockClients(cluster, balancer, 1);

    await cluster.kill(second, "SIGKILL");
    await goesOn(load, 100);
    await allBack([...clients, ...late]);
    await load.stop();
    await allHeard(clients, load.acked);
    expectFlawless(clients, load.acked);
    for (const client of [...clients, ...late]) expect(client.recoveries).toBe(client.connects - 1);
  });
});

describe.each(["haproxy/haproxy-sticky.cfg", "nginx/nginx-sticky.conf"] as const)("behind %s, with nothing forwarded", (file) => {
  test.override({ file, clusterOptions: { gateways: 3, env: { ...secret, FANFARE_FORWARD: "off" } } });

  test("each session stays on its node, websockets also through a reload, and moves when that is killed", async ({
    cluster,
    balancer,
  }) => {
    const clients = await stockClients(cluster, balancer, 5);
    const load = startLoad(cluster, [channel], file);
    await goesOn(load, 100);
    expect(new Set(connects(clients))).toEqual(new Set([1]));
    expect(clients.flatMap(({ connectErrors }) => connectErrors)).toEqual([]);

    await balancer.reload(cluster.gateways);
    await goesOn(load, 100);
    await allBack(clients);
    for (const { socket, connects } of clients) {
      // HAProxy has to learn the nodes of those that poll anew, which costs each of them a reconnection at most.
      if (socket.io.engine.transport.name === "websocket") expect(connects).toBe(1);
      else expect(connects).toBeLessThanOrEqual(2);
    }

    await cluster.kill(cluster.gateway(1), "SIGKILL");
    await goesOn(load, 100);
    await allBack(clients);
    await load.stop();
    await allHeard(clients, load.acked);
    expectFlawless(clients, load.acked);
    for (const client of clients) expect(client.recoveries).toBe(client.connects - 1);
  });
});

describe("behind haproxy/haproxy.cfg, while Redis does not answer", () => {
  test("clients that poll keep their sessions although no node is ready", async ({ cluster, balancer }) => {
    const clients = await stockClients(cluster, balancer, 2);
    cluster.redis.pause();
    await until(
      () => (balancer.log().includes("has no server available") ? undefined : `some node is ready:\n${balancer.log()}`),
      25_000,
    );
    // The answer comes with a post, and with the next poll.
    const answers = await Promise.all(clients.map((client, n) => client.request("echo", n)));
    cluster.redis.resume();
    expect(answers.map(({ echo }) => echo)).toEqual(clients.map((_, n) => n));
    expect(new Set(connects(clients))).toEqual(new Set([1]));
  });
});
