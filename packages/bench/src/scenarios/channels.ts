import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../contestants/cluster.ts";
import { fanfareCluster } from "../contestants/fanfare.ts";
import { row } from "../contestants/rooms.ts";
import { type StockAdapter, stockCluster } from "../contestants/stock.ts";
import { metered } from "../process/meter.ts";
import { residentBytes } from "../process/proc.ts";
import type { Stage } from "../process/stage.ts";
import type { Worker } from "../process/worker.ts";
import type { Metric, Sample, Series } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import type { CrowdDuties } from "../workers/crowd.ts";
import { briefly, foreignNote, onStage, type Scenario } from "./scenario.ts";

const channelsEach = 100;
const sustained = { forMs: 2_000, connections: 16, payloadBytes: 128 };
const settleMs = 1_500;
/** Long enough to see what is done by the clock. */
const restMs = 15_000;

const metrics: readonly Metric[] = [
  { key: "nodeMicros", title: "its node\nµs/publ.", digits: 1, spread: true },
  { key: "emptyMicros", title: "empty node\nµs/publ.", digits: 2 },
  { key: "emptyHeard", title: "heard\n/publ.", digits: 2 },
  { key: "redisMicros", title: "Redis\nµs/publ.", digits: 1 },
];

/** Of the one time that the channels were opened. */
const openedMetrics: readonly Metric[] = [
  { key: "subscribeMicros", title: "subscribe\nµs/channel", digits: 0 },
  { key: "kib", title: "KiB\n/channel", digits: 2 },
  { key: "restNode", title: "at rest\n% of a core", digits: 1 },
  { key: "restRedis", title: "Redis at rest\n% of a core", digits: 1 },
];

/** A cluster in which one node has all subscribers, and another one none. */
interface Pair {
  readonly cluster: Cluster;
  readonly emptyPid: number;
  readonly atConnect: boolean;
  /** What the empty node has heard from the broker so far. */
  heard(): Promise<number>;
}

/** Many channels with one subscriber each, and a cluster that publishes to all of them: does a node pay for others? */
export const channels: Scenario = {
  about: "100,000 channels with one subscriber each; what a node without them pays",
  run: (host, options) =>
    onStage(host, options, async ({ stage, repeat }) => {
      const flood = { ...sustained, forMs: briefly(options, sustained.forMs) };
      const starts: Readonly<Record<string, () => Promise<Pair>>> = {
        [row.fanfare]: () => fanfarePair(stage),
        [row.sharded]: () => stockPair(stage, "sharded"),
        [row.classic]: () => stockPair(stage, "classic"),
      };
      const connections = Math.ceil(options.channels / channelsEach);
      const contestants: Contestant[] = [];
      const openings: Series[] = [];
      const measuredPids: number[] = [];
      for (const [name, start] of Object.entries(starts)) {
        host.progress(`${options.channels} channels of ${name}`);
        const pair = await start();
        const crowd = stage.worker<CrowdDuties>("crowd");
        const opened = await openCrowd(pair, crowd, stage, connections, briefly(options, restMs));
        openings.push({ name, runs: [opened], discarded: [] });
        measuredPids.push(pair.cluster.pids.listening);
        contestants.push({ name, run: () => publishToAll(pair, crowd, stage, flood) });
      }
      const pinning = await stage.isolate(measuredPids);
      const series = await repeat(contestants);
      return [
        {
          title: `channels: ${(connections * channelsEach).toLocaleString("en-US")} with one subscriber each, over ${connections.toLocaleString("en-US")} connections of one node`,
          metrics,
          series,
          ratio: { of: "nodeMicros", to: row.sharded, title: "sharded" },
          notes: [
            `${flood.connections} publishers for ${flood.forMs / 1_000} s, to channels all over, on a third process. The empty node has no subscriber at all; heard are the messages that it got from Redis for each publication. What it uses is also its leases, canaries and heartbeats.`,
            "A run in which a publication came to no one, twice or to another connection is discarded.",
            pinning,
            foreignNote(series),
          ],
        },
        {
          title: "channels: opening them, and when nothing is published",
          metrics: openedMetrics,
          series: openings,
          ratio: { of: "kib", to: row.sharded, title: "sharded" },
          notes: [
            `Measured once: CPU of the node, growth of its resident memory with the connections' share in it, then ${briefly(options, restMs) / 1_000} s of rest. fanfare takes the channels with the connection, stock an event for each. At rest fanfare compares its channels with the broker from time to time.`,
          ],
        },
      ];
    }),
};

async function openCrowd(
  pair: Pair,
  crowd: Worker<CrowdDuties>,
  stage: Stage,
  connections: number,
  restForMs: number,
): Promise<Sample> {
  const { listening, redis = listening } = pair.cluster.pids;
  const before = residentBytes(listening);
  const { port } = pair.cluster.listen;
  const wish = { port, connections, channelsEach, atConnect: pair.atConnect };
  const { cpuMicros } = await metered([listening], stage.pids, () => crowd.ask("open", wish));
  await sleep(settleMs);
  const count = connections * channelsEach;
  const kib = (residentBytes(listening) - before) / 1_024 / count;
  const rest = await metered([listening, redis], stage.pids, () => sleep(restForMs));
  const [restNode = 0, restRedis = 0] = rest.cpuMicros.map((micros) => micros / rest.wallMs / 10);
  return { subscribeMicros: (cpuMicros[0] ?? 0) / count, kib, restNode, restRedis };
}

async function publishToAll(
  { cluster, emptyPid, heard }: Pair,
  crowd: Worker<CrowdDuties>,
  stage: Stage,
  flood: typeof sustained,
) {
  const { pids } = cluster;
  const before = await heard();
  const work = () => crowd.ask("publish", { target: cluster.publish, ...flood });
  const watched = [pids.listening, emptyPid, pids.redis ?? pids.listening];
  const { result, cpuMicros, foreignShare } = await metered(watched, stage.pids, work);
  const { messages, deliveries, strays } = result;
  if (deliveries !== messages || strays > 0) {
    return { discard: `${deliveries} of ${messages} deliveries, ${strays} to another connection` };
  }
  const [nodeMicros = 0, emptyMicros = 0, redisMicros = 0] = cpuMicros.map((micros) => micros / messages);
  const emptyHeard = ((await heard()) - before) / messages;
  return { sample: { nodeMicros, emptyMicros, redisMicros, emptyHeard, foreignShare } };
}

async function fanfarePair(stage: Stage): Promise<Pair> {
  const cluster = await fanfareCluster(stage, 2);
  const [empty] = cluster.gateways;
  if (empty?.peerPort === undefined) throw new Error("A gateway did not say its peer port.");
  const url = `http://127.0.0.1:${empty.peerPort}/metrics`;
  return {
    cluster,
    emptyPid: empty.pid,
    atConnect: true,
    async heard() {
      const text = await (await fetch(url)).text();
      const counts = [...text.matchAll(/^fanfare_announcements_total(?:\{.*\})? (\d+)/gm)].map(([, count]) => Number(count));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}

async function stockPair(stage: Stage, adapter: StockAdapter): Promise<Pair> {
  // Published on the first of three, for a stock node hears its own publications, too.
  const cluster = await stockCluster(stage, 3, adapter);
  const empty = cluster.workers[1];
  if (empty === undefined) throw new Error("Of three nodes there is a second.");
  await empty.ask("countHeard", {});
  return { cluster, emptyPid: empty.pid, atConnect: false, heard: () => empty.ask("heard", {}) };
}
