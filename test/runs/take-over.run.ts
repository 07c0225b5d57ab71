import { setTimeout as pause } from "node:timers/promises";
import { until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "../cluster/cluster.ts";
import { startRoundRobin } from "../conformance/round-robin.ts";
import { metric, report } from "./crowd.ts";
import { Watcher } from "./watcher.ts";

const channel = "public:news";
const arrivals = Number(process.env.RUN_ARRIVALS ?? 1_200);
const perSecond = 20;
/** Behind their upgrade, so that no more are there at once than the machine is good for. */
const stayMs = 5_000;

test.override({ clusterOptions: { gateways: 3, env: { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else" } } });

test("under a random balancer nearly all websockets take their sessions along", async ({ cluster }) => {
  const balancer = await startRoundRobin(() => cluster.liveGateways.map(({ port }) => port), 0, "at random");
  const upgradeMs: number[] = [];
  const visits: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let arrival = 0; arrival < arrivals; arrival++) {
    visits.push(
      (async () => {
        const beganMs = performance.now();
        const watcher = new Watcher(balancer.url, channel);
        await watcher.welcomed();
        await until(() => (watcher.transport === "websocket" ? undefined : "still polling"), 20_000);
        upgradeMs.push(performance.now() - beganMs);
        await pause(stayMs);
        expect(watcher.connects).toBe(1);
        watcher.close();
      })(),
    );
    await pause(Math.max(0, startedMs + ((arrival + 1) / perSecond) * 1_000 - performance.now()));
  }
  await Promise.all(visits);
  const taken = await metric(cluster, "fanfare_takeovers_total", `outcome="taken"`);
  const missed = await metric(cluster, "fanfare_takeovers_total", `outcome="missed"`);
  const failed = await metric(cluster, "fanfare_takeovers_total", `outcome="failed"`);
  const share = taken / (taken + missed + failed);
  upgradeMs.sort((a, b) => a - b);
  report("take-overs", {
    arrivals,
    taken,
    missed,
    failed,
    percent: (share * 100).toFixed(2),
    stillSpliced: await metric(cluster, "fanfare_spliced_connections"),
  });
  expect(taken).toBeGreaterThan(arrivals / 3);
  expect(share).toBeGreaterThanOrEqual(0.95);
  await balancer.close();
});
