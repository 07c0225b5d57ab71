import { setTimeout as pause } from "node:timers/promises";
import { type Cluster, type GatewayProcess, type TestClient, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { startRoundRobin } from "../conformance/round-robin.ts";
import { test } from "./cluster.ts";

const channel = "public:news";
const restMs = 4_500;
const kinds = [["websocket"], ["polling"], undefined] as const;

test.override({
  clusterOptions: {
    gateways: 2,
    env: {
      FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else",
      FANFARE_REBALANCE: "on",
      FANFARE_REBALANCE_FLOOR: "5",
      FANFARE_REBALANCE_PER_SECOND: "2",
    },
  },
});

async function connections({ peerPort }: GatewayProcess): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
  const counts = [...text.matchAll(/^fanfare_connections\{[^}]*\} (\d+)$/gm)].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}

function loads(cluster: Cluster): Promise<number[]> {
  return Promise.all(cluster.gateways.map(connections));
}

test("a node that joins gets its share of the clients, who miss nothing and are not moved to and fro", async ({ cluster }) => {
  const balancer = await startRoundRobin(() => cluster.liveGateways.map(({ port }) => port));
  const clients: TestClient[] = [];
  for (let n = 0; n < 30; n += 6) {
    const some = Array.from({ length: 6 }, (_, at) =>
      cluster.client({ via: balancer, transports: kinds[(n + at) % kinds.length], channels: [channel] }),
    );
    clients.push(...(await Promise.all(some)));
  }
  await cluster.addGateway();
  let published = 0;
  let going = true;
  const producer = (async () => {
    while (going) {
      await cluster.publishUntilStored(channel, ++published);
      await pause(20);
    }
  })();
  // Even, and unchanged for longer than a client is on its way and a node takes its next step.
  let before: number[] = [];
  let sinceMs = performance.now();
  await until(async () => {
    const now = await loads(cluster);
    if (now.some((load, at) => load !== before[at])) sinceMs = performance.now();
    before = now;
    const isEven = Math.max(...now) <= 12 && Math.min(...now) >= 6 && now.reduce((sum, load) => sum + load, 0) === clients.length;
    return isEven && performance.now() - sinceMs > restMs ? undefined : `connections: ${now}`;
  }, 45_000);
  going = false;
  await producer;
  const wanted = Array.from({ length: published }, (_, at) => at + 1);
  await until(() =>
    clients.every((client) => client.heard(channel).length >= published) ? undefined : "not everything is heard",
  );
  for (const client of clients) expect(client.heard(channel)).toEqual(wanted);
  for (const { connects, recoveries } of clients) expect(recoveries).toBe(connects - 1);
  // Of two thirds that were on the wrong node, so many at most: the balancer sends some back to where they came from.
  const moves = clients.reduce((sum, { connects }) => sum + connects - 1, 0);
  expect(moves).toBeGreaterThanOrEqual(6);
  expect(moves).toBeLessThan(45);
  expect(Math.max(...clients.map(({ connects }) => connects))).toBeLessThanOrEqual(3);
  await balancer.close();
});
