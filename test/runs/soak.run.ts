import { setTimeout as pause } from "node:timers/promises";
import { type GatewayProcess, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "../cluster/cluster.ts";
import { startBalancerProcess } from "./balancer.ts";
import { caughtUp, connectCrowd, report, startProducer } from "./crowd.ts";
import { watchMachine } from "./machine.ts";
import { growthPerMinute, type Sample, sample, startSampling } from "./vital-signs.ts";
import { summary, whoIsAway } from "./watcher.ts";

const minutes = Number(process.env.SOAK_MINUTES ?? 30);
const clients = Number(process.env.SOAK_CLIENTS ?? 2_000);
const perSecond = Number(process.env.SOAK_PER_SECOND ?? 100);
const reconnectsPerSecond = Number(process.env.SOAK_RECONNECTS ?? 20);
/** In short runs oftener, so that even those have some. */
const restartEveryMs = 60_000 * Number(process.env.SOAK_RESTART_EVERY ?? Math.min(5, minutes / 4));
const runMs = minutes * 60_000;
/** With the forty clients of each. */
const channels = Array.from({ length: Math.ceil(clients / 40) }, (_, at) => `public:soak${at}`);
/** Files and handles that a process may have more than a new one: connections to nodes that it had not yet spoken to. */
const spare = 25;
/** Below that many minutes of life, growth is mostly warming up, and says nothing. */
const warmMinutes = 4;

test.override({
  clusterOptions: {
    gateways: 3,
    env: {
      FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else",
      // All of these clients are at one address.
      FANFARE_CONNECTIONS_PER_ADDRESS: "0",
      FANFARE_CONNECTS_PER_ADDRESS: "0",
    },
  },
});

test(
  "half an hour of reconnecting clients and restarted nodes lose nothing and leave nothing behind",
  async ({ cluster }) => {
    const balancer = await startBalancerProcess(() => cluster.liveGateways.map(({ port }) => port));
    const atRest = await rested();
    const watchers = await connectCrowd(balancer.url, clients, channels);
    const producer = startProducer(cluster, perSecond, channels);
    const sampling = startSampling(cluster);
    const machine = watchMachine();
    const startedMs = performance.now();
    const left = (): number => startedMs + runMs - performance.now();

    const cutting = setInterval(() => balancer.cut(), 1_000 / reconnectsPerSecond);
    const drainedMs: number[] = [];
    const unclean: string[] = [];
    let restarts = 0;
    while (left() > restartEveryMs / 2) {
      await pause(Math.min(restartEveryMs, left()));
      if (left() < restartEveryMs / 4) break;
      // The oldest in turn, every other time without a warning.
      const [oldest] = cluster.liveGateways as readonly GatewayProcess[];
      if (oldest === undefined) throw new Error("no node runs");
      const stoppedMs = performance.now();
      const warned = restarts++ % 2 === 0;
      // Judged at the end: a node that could not end in time is no reason to see nothing of the rest.
      const end = await cluster.kill(oldest, warned ? "SIGTERM" : "SIGKILL");
      if (warned && end !== "exit 0") unclean.push(`${oldest.label}: ${end}`);
      if (warned) drainedMs.push(Math.round(performance.now() - stoppedMs));
      await cluster.addGateway();
    }
    await pause(Math.max(0, left()));
    clearInterval(cutting);
    await producer.stop();
    const publishedForMs = performance.now() - startedMs;
    await until(() => {
      const away = whoIsAway(watchers);
      return away && `${away} (${JSON.stringify(machine.figures())})`;
    }, 120_000);
    await caughtUp(watchers, producer);

    machine.end();
    const lives = await sampling.end();
    const nodesLate = [...lives.values()].flat().map(({ lateMs }) => lateMs);
    const figures = summary(watchers);
    const deliveries = watchers.reduce((sum, { heard }) => sum + heard, 0);
    for (const watcher of watchers) watcher.close();
    const growth = [...lives].map(([label, life]) => `${label} ${growthPerMinute(life, warmMinutes)?.toFixed(0) ?? "-"}`);
    report("soak", {
      minutes,
      ...figures,
      published: producer.total,
      perSecond: Math.round(producer.total / (publishedForMs / 1_000)),
      deliveries,
      reconnectsPerSecond: (Number(figures.reconnects) / (publishedForMs / 1_000)).toFixed(1),
      restarts,
      drainedMs: drainedMs.join("/"),
      notDrainedInTime: unclean.length,
      ...machine.figures(),
      nodesLate: `at most ${Math.round(Math.max(...nodesLate))} ms in a second`,
      [`memory growth in KiB a minute, after ${warmMinutes} minutes`]: growth.join(", "),
    });
    // What was kept alive between nodes and balancer closes by itself after a while.
    const after = await rested((label, { descriptors, handles }) => {
      const before = atRest.get(label) ?? atRest.get("node 1");
      return descriptors <= (before?.descriptors ?? 0) + spare && handles <= (before?.handles ?? 0) + spare;
    });
    report("soak, with nobody connected", { before: line(atRest), after: line(after) });

    expect(figures).toMatchObject({ missed: 0, doubled: 0, disordered: 0, resets: 0 });
    expect(figures.recovered).toBe(figures.reconnects);
    expect(unclean).toEqual([]);
    for (const life of lives.values()) expect(growthPerMinute(life, warmMinutes) ?? 0).toBeLessThan(2_048);
    await balancer.close();

    /** What the processes hold when nobody is connected, once all of it is as it should be. */
    async function rested(right: (label: string, seen: Sample) => boolean = () => true): Promise<ReadonlyMap<string, Sample>> {
      let seen = await sample(cluster);
      await until(async () => {
        seen = await sample(cluster);
        const wrong = [...seen].filter(([label, one]) => one.connections > 0 || !right(label, one));
        return wrong.length === 0 ? undefined : `nobody should be connected, and still: ${line(new Map(wrong))}`;
      }, 90_000);
      return seen;
    }
  },
  runMs + 600_000,
);

function line(samples: ReadonlyMap<string, Sample>): string {
  return [...samples]
    .map(([label, { residentKiB, descriptors, handles, connections }]) => {
      return `${label} ${connections} connections, ${Math.round(residentKiB / 1_024)} MiB, ${descriptors} files, ${handles} handles`;
    })
    .join("; ");
}
