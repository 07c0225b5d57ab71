import type { Cluster } from "../contestants/cluster.ts";
import { fanfareCluster } from "../contestants/fanfare.ts";
import { adapterNote, plainLoop, stockCluster } from "../contestants/stock.ts";
import { metered } from "../process/meter.ts";
import { busyMs, writeCalls } from "../process/proc.ts";
import type { Stage } from "../process/stage.ts";
import type { Worker } from "../process/worker.ts";
import type { Metric, Outcome } from "../report/outcome.ts";
import type { Contestant, Run } from "../report/repetitions.ts";
import type { Heard, SwarmDuties } from "../workers/swarm.ts";
import { foreignNote, onStage, type Scenario } from "./scenario.ts";

const payloadBytes = 128;
const pace = { messages: 250, perSecond: 100, payloadBytes };
const warmUp = { messages: 50, perSecond: 100, payloadBytes };
const burst = { messages: 250, window: 16, payloadBytes };
/**
 * A late reader makes the server's writes look cheap, so its run does not count. Paced, it is late when it reads more
 * frames at once than the server wrote at once. Saturated, a server may write several frames to one socket one right after
 * the other, and reading them at once is no lateness; a reader that never sleeps is.
 */
const late = { readPerWrite: 1.5, idleShare: 0.05 };
/** Share of the scenario's time that the paced runs may take. */
const pacedShare = 0.6;

const perDelivery: Metric = { key: "micros", title: "server CPU\nµs/delivery", digits: 2, spread: true };
const joined: Metric = { key: "perWrite", title: "joined\n/write", digits: 2 };
const read: Metric = { key: "perRead", title: "read\nat once", digits: 2 };
const idle: Metric = { key: "readerIdle", title: "reader\nidle %", digits: 0 };
const p50: Metric = { key: "p50", title: "p50\nms", digits: 1 };
const p99: Metric = { key: "p99", title: "p99\nms", digits: 1 };
const perSecond: Metric = { key: "perSecond", title: "deliveries\na second", digits: 0 };

interface Running {
  readonly name: string;
  readonly cluster: Cluster;
  readonly swarm: Worker<SwarmDuties>;
}

/** What a delivery costs the node that holds the subscribers, at a steady rate and as fast as it can. */
export const fanout: Scenario = {
  about: "CPU per delivery to 1,000 subscribers, paced and saturated",
  run: (host, options) =>
    onStage(host, options, async ({ stage, repeat }) => {
      const count = options.subscribers;
      const running: Running[] = [];
      const starts = {
        fanfare: () => fanfareCluster(stage, 1),
        stock: () => stockCluster(stage, 2),
        "ws loop": () => plainLoop(stage),
      };
      for (const [name, start] of Object.entries(starts)) {
        host.progress(`${count} subscribers of ${name}`);
        const cluster = await start();
        const swarm = stage.worker<SwarmDuties>("swarm");
        await swarm.ask("open", { listen: cluster.listen, count });
        running.push({ name, cluster, swarm });
      }
      const pinning = await stage.isolate(running.map(({ cluster }) => cluster.pids.listening));
      for (const { cluster, swarm } of running) await swarm.ask("paced", { publish: cluster.publish, pace: warmUp });

      const paced = await repeat(
        running.map((one) => contestant(one, stage, "paced")),
        pacedShare,
      );
      const saturated = await repeat(running.map((one) => contestant(one, stage, "saturated")));
      const subject = `${count.toLocaleString("en-US")} subscribers, ${payloadBytes} bytes`;
      const outcome = (title: string, metrics: readonly Metric[], series: typeof paced, notes: readonly string[]): Outcome => ({
        title: `fanout, ${title}, ${subject}`,
        metrics,
        series,
        ratio: { of: "micros", to: "stock" },
        notes: [...notes, foreignNote(series)],
      });
      return [
        outcome(`paced: ${pace.perSecond} messages a second`, [perDelivery, p50, p99, joined, read, idle], paced, [
          `Discarded is a run in which more than ${late.readPerWrite} × as many messages were read at once as were written at once.`,
        ]),
        outcome(`saturated: ${burst.window} messages under way`, [perDelivery, perSecond, joined, read, idle], saturated, [
          `Discarded is a run in which the reader was idle for less than ${late.idleShare * 100} % of the time.`,
          "Discarded is also, here and above, a run in which a subscriber missed anything or got it twice.",
          "fanfare and stock: published on another process, through Redis; the node with the subscribers is measured. ws loop: one process does all, with no Socket.IO, channels or Redis.",
          adapterNote,
          pinning,
        ]),
      ];
    }),
};

function contestant({ name, cluster, swarm }: Running, stage: Stage, how: "paced" | "saturated"): Contestant {
  const { publish, pids } = cluster;
  const work = (): Promise<Heard> =>
    how === "paced" ? swarm.ask("paced", { publish, pace }) : swarm.ask("saturated", { publish, ...burst });
  return {
    name,
    async run(): Promise<Run> {
      const before = { writes: writeCalls(pids.listening), busyMs: busyMs(swarm.pid) };
      const { result, cpuMicros, wallMs, foreignShare } = await metered([pids.listening], stage.pids, work);
      const { deliveries, expected, whole, perRead, p50Ms, p99Ms } = result;
      const perWrite = deliveries / (writeCalls(pids.listening) - before.writes);
      const idleShare = 1 - (busyMs(swarm.pid) - before.busyMs) / wallMs;
      if (!whole) return { discard: `${deliveries} of ${expected} deliveries` };
      if (how === "paced" && perRead > late.readPerWrite * Math.max(1, perWrite)) {
        return { discard: `reader late: ${perRead.toFixed(1)} read at once` };
      }
      if (idleShare < late.idleShare) return { discard: `reader late: idle ${(idleShare * 100).toFixed(0)} %` };
      const micros = (cpuMicros[0] ?? 0) / deliveries;
      const perSecond = (deliveries / wallMs) * 1_000;
      const readerIdle = idleShare * 100;
      return { sample: { micros, perSecond, perWrite, perRead, readerIdle, p50: p50Ms, p99: p99Ms, foreignShare } };
    },
  };
}
