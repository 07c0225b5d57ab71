import { type Cluster, unheard } from "../contestants/cluster.ts";
import { fanfareCluster } from "../contestants/fanfare.ts";
import { openRooms, type Room, row } from "../contestants/rooms.ts";
import { adapterNote, stockCluster } from "../contestants/stock.ts";
import type { BenchHost, BenchOptions } from "../host.ts";
import { metered } from "../process/meter.ts";
import type { Stage } from "../process/stage.ts";
import type { Metric, Outcome } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import { percentile } from "../report/statistics.ts";
import { sampleEvery } from "../wire/ears.ts";
import type { ListenerDuties } from "../workers/listener.ts";
import type { Pace } from "../workers/paced.ts";
import type { PublisherDuties } from "../workers/publisher.ts";
import { discardNote, measured, metric, rowNotes } from "./deliveries.ts";
import { briefly, foreignNote, onStage, type Scenario } from "./scenario.ts";

const steady = { messages: 500, perSecond: 100, payloadBytes: 128 };
const warmUp = { ...steady, messages: 50 };
const connections = 4;

const metrics: readonly Metric[] = [
  { key: "p50", title: "p50\nms", digits: 2, spread: true },
  { key: "p99", title: "p99\nms", digits: 2, spread: true },
  { key: "max", title: "max\nms", digits: 1, spread: true },
];

/** More than stock can on one core: what it cannot write piles up, and so does its latency. */
const loaded = { messages: 1_000, perSecond: 500, payloadBytes: 128 };
/** Before that: by then compilers are done, which would want a share of the core that publishes and reads. */
const unheardMessages = 3_000;
/** Before each run: while the others had their turns, a contestant has lost its place in caches, and may have lost memory. */
const againMessages = 250;
const rows = [row.fanfare, row.sharded, row.floor];
/** Share of the scenario's time that the runs with one subscriber may take. */
const quietShare = 0.45;

const loadedMetrics: readonly Metric[] = [
  { ...metric.p50, spread: true },
  { ...metric.p99, spread: true },
  { key: "max", title: "max\nms", digits: 0 },
  { key: "perSecond", title: "deliveries\na second", digits: 0 },
  metric.busy,
  metric.joined,
  metric.read,
];

/** How long a publication takes from the publisher to a client: of one subscriber, and of a thousand on one core. */
export const latency: Scenario = {
  about: "end to end latency: 100 messages a second, 500 to 1,000 subscribers",
  run: async (host, options) => [await quiet(host, options), await underLoad(host, options)],
};

function quiet(host: BenchHost, options: BenchOptions): Promise<Outcome> {
  return onStage(host, options, async ({ stage, repeat }) => {
    const pace = { ...steady, messages: briefly(options, steady.messages) };
    const ours = await contestant("fanfare", await fanfareCluster(stage, 2), stage, pace);
    const stock = await contestant("stock", await stockCluster(stage, 2), stage, pace);
    const series = await repeat([ours, stock], quietShare);
    return {
      title: `latency: ${pace.perSecond} messages a second, ${pace.payloadBytes} bytes, 2 nodes`,
      metrics,
      series,
      ratio: [
        { of: "p50", to: "stock", title: "p50" },
        { of: "p99", to: "stock", title: "p99" },
      ],
      notes: [
        `From the publisher's turn to the handler of a stock websocket client in another process, ${pace.messages} messages a run. fanfare: admin, Redis, second node. stock: first node, Redis, second node.`,
        adapterNote,
        "Not pinned to cores.",
        foreignNote(series),
      ],
    };
  });
}

function underLoad(host: BenchHost, options: BenchOptions): Promise<Outcome> {
  return onStage(host, options, async ({ stage, repeat }) => {
    const rooms = await openRooms(stage, host, rows, options.subscribers);
    const pinning = await stage.isolate(rooms.map(({ cluster }) => cluster.pids.listening));
    const of = ({ swarm, cluster }: Room, messages: number) =>
      swarm.worker.ask("paced", { publish: cluster.publish, pace: { ...loaded, messages } });
    for (const room of rooms) {
      const { cluster, swarm, inTurn } = room;
      const pace = { ...loaded, messages: briefly(options, unheardMessages) };
      // The others have no channels: whoever is there hears everything.
      if (!inTurn) await swarm.worker.ask("publish", { publish: unheard(cluster), pace });
      await of(room, briefly(options, loaded.messages));
    }
    const series = await repeat(
      rooms.map((room) => ({
        name: room.name,
        async run() {
          await of(room, briefly(options, againMessages));
          return measured(room, stage, "backlog", () => of(room, briefly(options, loaded.messages)));
        },
      })),
    );
    return {
      title: `latency: ${loaded.perSecond} messages a second, ${options.subscribers.toLocaleString("en-US")} subscribers on one core`,
      metrics: loadedMetrics,
      series,
      ratio: { of: "p99", to: row.sharded, title: "stock" },
      notes: [
        `From the publisher's turn to the read of every ${sampleEvery}th subscriber, ${briefly(options, loaded.messages).toLocaleString("en-US")} messages a run. A server that cannot keep up has all of its backlog in its p99; deliveries a second are counted until the last one was made.`,
        discardNote,
        ...rowNotes(rooms),
        pinning,
        foreignNote(series),
      ],
    };
  });
}

async function contestant(name: string, { publish, listen }: Cluster, stage: Stage, pace: Pace): Promise<Contestant> {
  const listener = stage.worker<ListenerDuties>("listener");
  const publisher = stage.worker<PublisherDuties>("publisher");
  await listener.ask("open", listen);
  return {
    name,
    async run() {
      await publisher.ask("paced", { target: publish, pace: warmUp, connections });
      await listener.ask("take", { count: warmUp.messages });
      const work = () => publisher.ask("paced", { target: publish, pace, connections });
      const { foreignShare } = await metered([], stage.pids, work);
      const micros = await listener.ask("take", { count: pace.messages });
      if (micros.length !== pace.messages) return { discard: `${micros.length} of ${pace.messages} messages arrived` };
      const ms = (value: number) => value / 1_000;
      const [p50, p99, max] = [0.5, 0.99, 1].map((share) => ms(percentile(micros, share)));
      return { sample: { p50: p50 ?? 0, p99: p99 ?? 0, max: max ?? 0, foreignShare } };
    },
  };
}
