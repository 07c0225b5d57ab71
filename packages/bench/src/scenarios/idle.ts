import { setTimeout as sleep } from "node:timers/promises";
import { FanfareError } from "@fanfare/domain";
import type { Cluster } from "../contestants/cluster.ts";
import { fanfareCluster } from "../contestants/fanfare.ts";
import { row } from "../contestants/rooms.ts";
import { plainLoop, stockCluster } from "../contestants/stock.ts";
import type { BenchHost, BenchOptions } from "../host.ts";
import { metered } from "../process/meter.ts";
import { openFilesMax, residentBytes } from "../process/proc.ts";
import type { Stage } from "../process/stage.ts";
import type { Metric } from "../report/outcome.ts";
import type { Contestant, Run } from "../report/repetitions.ts";
import { foreignNote, onStage, repeater, type Scenario } from "./scenario.ts";

/** Connections that come first, so that code is compiled and pools are filled before memory is read. */
const firstConnections = 100;
/** How long memory gets to settle before it is read. */
const settleMs = 1_500;
/** Files that a process has open beside its connections, generously. */
const otherFiles = 100;

const metrics: readonly Metric[] = [
  { key: "kib", title: "KiB\n/connection", digits: 1, spread: true },
  { key: "acceptMicros", title: "CPU µs\nto accept one", digits: 0, spread: true },
  { key: "baseMib", title: "MiB\nbefore", digits: 0 },
];

/** What a connection costs that does nothing, and what it cost to come. */
export const idle: Scenario = {
  about: "memory of an idle websocket connection, CPU to accept one",
  run: async (host, options) => {
    const connectionsMax = openFilesMax() - otherFiles;
    if (options.connections > connectionsMax) {
      const message = `${options.connections} are more than the ${connectionsMax} that the limit on open files allows (ulimit -n)`;
      throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "--connections", message }] });
    }
    const series = await repeater(
      host,
      options,
    )([
      contestant("fanfare", host, options, (stage) => fanfareCluster(stage, 1)),
      contestant("stock", host, options, (stage) => stockCluster(stage, 1)),
      contestant(row.loop, host, options, plainLoop),
    ]);
    return [
      {
        title: `idle: ${options.connections.toLocaleString("en-US")} websocket connections, each subscribed to one channel`,
        metrics,
        series,
        ratio: { of: "kib", to: "stock" },
        notes: [
          `Growth of the process's resident memory, read ${settleMs} ms after the last connection, divided by the connections; a fresh process each run, after its first ${firstConnections} connections. The kernel's own memory for sockets is not in it.`,
          `To accept one: HTTP upgrade, Socket.IO connect, subscribe. ${row.loop}: the upgrade alone, by the ws library.`,
          foreignNote(series),
        ],
      },
    ];
  },
};

/** Memory that a process once took it rarely gives back, so each run has processes of its own. */
function contestant(name: string, host: BenchHost, options: BenchOptions, start: (stage: Stage) => Promise<Cluster>): Contestant {
  return {
    name,
    run: () =>
      onStage(host, options, async ({ stage }): Promise<Run> => {
        const { listen, pids } = await start(stage);
        const { worker } = await stage.swarm();
        const open = (count: number) => worker.ask("open", { listen, count });
        await open(firstConnections);
        await sleep(settleMs);
        const before = residentBytes(pids.listening);
        const { cpuMicros, foreignShare } = await metered([pids.listening], stage.pids, () => open(options.connections));
        await sleep(settleMs);
        const grown = residentBytes(pids.listening) - before;
        return {
          sample: {
            kib: grown / 1_024 / options.connections,
            acceptMicros: (cpuMicros[0] ?? 0) / options.connections,
            baseMib: before / 2 ** 20,
            foreignShare,
          },
        };
      }),
  };
}
