import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { test } from "../cluster/cluster.ts";
import { startRoundRobin } from "../conformance/round-robin.ts";
import { metric, report } from "./crowd.ts";
import { percentile, Watcher } from "./watcher.ts";

const channel = "public:news";
const arrivals = Number(process.env.RUN_ARRIVALS ?? 1_200);
const perSecond = 20;
/** Behind their upgrade, so that no more are there at once than the machine is good for. */
const stayMs = 5_000;
const patienceMs = 20_000;

/** Resolves when it has its websocket, or when it has given up trying. */
async function upgraded({ socket }: Watcher): Promise<void> {
  const { engine } = socket.io;
  if (engine.transport.name === "websocket") return;
  const late = AbortSignal.timeout(patienceMs);
  await Promise.race([once(engine, "upgrade", late), once(engine, "close", late), once(engine, "upgradeError", late)]);
}

function once(
  engine: Watcher["socket"]["io"]["engine"],
  event: "upgrade" | "close" | "upgradeError",
  late: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    engine.once(event, () => resolve());
    late.addEventListener("abort", () => resolve());
  });
}

test.override({ clusterOptions: { gateways: 3, env: { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else" } } });

test("under a random balancer nearly all websockets take their sessions along", async ({ cluster }) => {
  const balancer = await startRoundRobin(() => cluster.liveGateways.map(({ port }) => port), 0, "at random");
  const upgradeMs: number[] = [];
  let reconnected = 0;
  const visits: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let arrival = 0; arrival < arrivals; arrival++) {
    visits.push(
      (async () => {
        const beganMs = performance.now();
        const watcher = new Watcher(balancer.url, channel);
        await watcher.welcomed();
        await upgraded(watcher);
        if (watcher.transport === "websocket") upgradeMs.push(performance.now() - beganMs);
        await pause(stayMs);
        if (watcher.connects > 1) reconnected++;
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
    upgradedP50Ms: percentile(upgradeMs, 0.5),
    upgradedP99Ms: percentile(upgradeMs, 0.99),
    stayedPolling: arrivals - upgradeMs.length,
    reconnected,
    stillSpliced: await metric(cluster, "fanfare_spliced_connections"),
  });
  expect(taken).toBeGreaterThan(arrivals / 3);
  expect(share).toBeGreaterThanOrEqual(0.95);
  await balancer.close();
});
