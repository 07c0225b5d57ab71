import type { Cluster } from "../contestants/cluster.ts";
import { fanfareCluster } from "../contestants/fanfare.ts";
import { openRooms, type Room, row } from "../contestants/rooms.ts";
import { oneScript, stockCluster } from "../contestants/stock.ts";
import type { BenchHost, BenchOptions } from "../host.ts";
import { metered } from "../process/meter.ts";
import type { Metric, Outcome } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import type { Flood, PublisherDuties } from "../workers/publisher.ts";
import { discardNote, measured, metric } from "./deliveries.ts";
import { briefly, foreignNote, onStage, type Scenario } from "./scenario.ts";

const payloadBytes = 128;
const runMs = 2_000;
const warmUpMs = 700;
const connections = 32;
const batchItems = 100;
/** Few connections carry many publications each: with 32 the server would work on thousands at once. */
const batchConnections = 4;
const linesAhead = 1_000;

const metrics: readonly Metric[] = [
  { key: "perSecond", title: "publishes\na second", digits: 0, spread: true },
  { key: "serverMicros", title: "server CPU\nµs/publish", digits: 1, spread: true },
  { key: "redisMicros", title: "Redis CPU\nµs/publish", digits: 1 },
];

/** Publishers that keep a node with one subscriber busy. */
const flood = { forMs: runMs, connections: 16, aheadMax: 256, payloadBytes };
const hearingRows = [row.fanfare, row.classic, row.sharded];
/** Share of the scenario's time that the first table may take. */
const answeringShare = 0.6;

const hearingMetrics: readonly Metric[] = [
  { key: "micros", title: "node CPU\nµs/publication", digits: 1, spread: true },
  { key: "perSecond", title: "publications\na second", digits: 0 },
  metric.busy,
  metric.joined,
];

/** What one publication costs: the process that answers it, Redis, and a node that has one subscriber for it. */
export const publish: Scenario = {
  about: "publishes a second and CPU per publish: REST, batch, NDJSON; at the node",
  run: async (host, options) => [await answering(host, options), await hearing(host, options)],
};

function answering(host: BenchHost, options: BenchOptions): Promise<Outcome> {
  return onStage(host, options, async ({ stage, repeat }) => {
    const ours = await fanfareCluster(stage, 0);
    const stock = await stockCluster(stage, 1);
    const floor = await oneScript(stage);
    const publisher = stage.worker<PublisherDuties>("publisher");
    const pinning = await stage.isolate([ours, stock, floor].map(({ pids }) => pids.publishing));

    const contestant = (
      name: string,
      { publish, pids }: Pick<Cluster, "publish" | "pids">,
      path: string,
      how: Partial<Flood>,
    ): Contestant => {
      const flood = { target: { ...publish, path }, how: "single", connections, together: 1, payloadBytes, ...how } as const;
      return {
        name,
        async run() {
          await publisher.ask("flood", { ...flood, forMs: briefly(options, warmUpMs) });
          const work = () => publisher.ask("flood", { ...flood, forMs: briefly(options, runMs) });
          const watched = [pids.publishing, pids.redis ?? pids.publishing];
          const { result, cpuMicros, foreignShare } = await metered(watched, stage.pids, work);
          const { publications, ms } = result;
          const [serverMicros = 0, redisMicros = 0] = cpuMicros.map((micros) => micros / publications);
          return { sample: { perSecond: (publications / ms) * 1_000, serverMicros, redisMicros, foreignShare } };
        },
      };
    };

    const series = await repeat(
      [
        contestant("fanfare, one each", ours, "/v1/publish", {}),
        contestant(`fanfare, batch of ${batchItems}`, ours, "/v1/publish/batch", {
          how: "batch",
          connections: batchConnections,
          together: batchItems,
        }),
        contestant("fanfare, NDJSON", ours, "/v1/publish/stream", { how: "lines", connections: 1, together: linesAhead }),
        contestant("stock", stock, "/publish", {}),
        contestant("one script", floor, "/publish", {}),
      ],
      answeringShare,
    );
    return {
      title: `publish: HTTP, ${payloadBytes} bytes, no subscribers`,
      metrics,
      series,
      ratio: { of: "serverMicros", to: "stock" },
      notes: [
        `One each: ${connections} keep-alive connections. Batch: ${batchConnections} connections. NDJSON: one request, at most ${linesAhead} lines ahead of their answers.`,
        "fanfare answers when the publication is stored in Redis and announced. stock is a Fastify route with io.to(room).emit(): nothing is stored, and it answers before Redis has heard of it. one script is a Fastify route that has Redis store and announce, and nothing else.",
        pinning,
        foreignNote(series),
      ],
    };
  });
}

function hearing(host: BenchHost, options: BenchOptions): Promise<Outcome> {
  return onStage(host, options, async ({ stage, repeat }) => {
    const rooms = await openRooms(stage, host, hearingRows, 1);
    const pinning = await stage.isolate(rooms.map(({ cluster }) => cluster.pids.listening));
    const flooded = ({ swarm, cluster }: Room, forMs: number) =>
      swarm.worker.ask("saturated", { publish: cluster.publish, ...flood, forMs });
    for (const room of rooms) await flooded(room, briefly(options, warmUpMs));
    const series = await repeat(
      rooms.map((room) => ({
        name: room.name,
        run: () => measured(room, stage, "backlog", () => flooded(room, briefly(options, flood.forMs))),
      })),
    );
    return {
      title: `publish: the node with the one subscriber, ${payloadBytes} bytes`,
      metrics: hearingMetrics,
      series,
      ratio: { of: "micros", to: row.sharded, title: "stock" },
      notes: [
        `${flood.connections} publishers, each publishes again as soon as it is answered, while at most ${flood.aheadMax} publications are ahead of the subscriber. Published on another process, so what is measured is hearing of it and writing it once.`,
        discardNote,
        pinning,
        foreignNote(series),
      ],
    };
  });
}
