import type { GatewayProcess } from "@fanfare/test-support";
import { until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "../cluster/cluster.ts";
import { startRoundRobin } from "../conformance/round-robin.ts";
import { caughtUp, connectCrowd, report, startProducer } from "./crowd.ts";
import { summary } from "./watcher.ts";

const perSecond = 100;

test.override({ clusterOptions: { gateways: 3, env: { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else" } } });

test("a rolling restart under load: nothing lost or doubled, one reconnect a client and node, nobody away for long", async ({
  cluster,
}) => {
  const balancer = await startRoundRobin(() => cluster.liveGateways.map(({ port }) => port));
  const watchers = await connectCrowd(balancer.url);
  const producer = startProducer(cluster, perSecond);
  const startedAllMs = performance.now();
  const drainedMs: number[] = [];
  for (const old of [...cluster.gateways] as GatewayProcess[]) {
    const before = watchers.map(({ connects }) => connects);
    const startedMs = performance.now();
    expect(await cluster.kill(old, "SIGTERM")).toBe("exit 0");
    drainedMs.push(Math.round(performance.now() - startedMs));
    // As a supervisor does: the next one stops when this one's replacement serves.
    await cluster.addGateway();
    await until(() => {
      const away = watchers.filter(({ socket }) => !socket.connected);
      return away.length === 0 ? undefined : `${away.length} clients are away`;
    }, 15_000);
    const moves = watchers.map(({ connects }, at) => connects - (before[at] ?? 0));
    expect(Math.max(...moves)).toBeLessThanOrEqual(1);
  }
  await producer.stop();
  await caughtUp(watchers, producer);
  const figures = summary(watchers);
  report("rolling restart", {
    ...figures,
    published: producer.total,
    perSecond: Math.round(producer.total / ((performance.now() - startedAllMs) / 1_000)),
    drainedMs: drainedMs.join("/"),
  });
  expect(figures).toMatchObject({ missed: 0, doubled: 0, disordered: 0, resets: 0 });
  expect(figures.recovered).toBe(figures.reconnects);
  expect(figures.offlineP99Ms).toBeLessThanOrEqual(3_000);
  for (const watcher of watchers) watcher.close();
  await balancer.close();
});
