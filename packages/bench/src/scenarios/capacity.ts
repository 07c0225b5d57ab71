import { setTimeout as sleep } from "node:timers/promises";
import { channel } from "../contestants/cluster.ts";
import { type FanfareCluster, fanfareCluster } from "../contestants/fanfare.ts";
import type { BenchHost, BenchOptions } from "../host.ts";
import { type Metered, metered } from "../process/meter.ts";
import { residentBytes } from "../process/proc.ts";
import type { Stage, Swarm } from "../process/stage.ts";
import type { Metric } from "../report/outcome.ts";
import type { Contestant, Run } from "../report/repetitions.ts";
import type { Heard } from "../workers/swarm.ts";
import { briefly, foreignNote, onStage, repeater, type Scenario } from "./scenario.ts";

const payloadBytes = 128;
/** One subscriber a node: what a publication costs before anybody is delivered to in numbers. */
const thin = { channel: "public:thin", perSecond: 400, forMs: 3_000 };
/** Many subscribers: what a delivery costs. */
const wide = { perSecond: 50, forMs: 3_000 };
/** Between the two, and not used for any figure: what the model has to foretell. */
const check = { perSecond: 100, forMs: 3_000 };
/** Long enough for what is done every two seconds. */
const restMs = 4_000;
const settleMs = 1_500;
const firstConnections = 100;

const byNodes: readonly Metric[] = [
  { key: "hearMicros", title: "node CPU\nµs/publication", digits: 1, spread: true },
  { key: "deliverMicros", title: "node CPU\nµs/delivery", digits: 2, spread: true },
  { key: "adminMicros", title: "admin CPU\nµs/publication", digits: 1 },
  { key: "redisMicros", title: "Redis CPU\nµs/publication", digits: 1 },
  { key: "idleNodeCores", title: "cores\nnode idle", digits: 3 },
  { key: "checkP50", title: "p50\nms", digits: 1 },
  { key: "checkP99", title: "p99\nms", digits: 1 },
];

const ofConnections: readonly Metric[] = [
  { key: "kib", title: "KiB\n/connection", digits: 1, spread: true },
  { key: "acceptMicros", title: "node CPU\nµs to accept", digits: 0, spread: true },
  { key: "redisMicros", title: "Redis CPU\nµs to accept", digits: 0 },
];

/** The figures that docs/CAPACITY.md reckons with, on one, two and three nodes. */
export const capacity: Scenario = {
  about: "CPU per publication and delivery on 1, 2 and 3 nodes, memory and CPU per connection",
  run: async (host, options) => {
    const sizes = options.quick ? [2] : [1, 2, 3];
    const share = { ...options, subscribers: Math.ceil(options.subscribers / 2) };
    const repeat = repeater(host, share);
    // A cluster at a time: what idles beside it would be measured as well.
    const series = await repeat(sizes.map((nodes) => onNodes(nodes, host, share)));
    const connecting = await repeat([opened(host, options)]);
    return [
      {
        title: `capacity: ${sizes.join(", ")} nodes, ${share.subscribers} subscribers in all, ${payloadBytes} bytes`,
        metrics: byNodes,
        series,
        ratio: [],
        notes: [
          `Per publication: ${thin.perSecond} a second with one subscriber a node. Per delivery: ${wide.perSecond} a second to all subscribers, less what their publications cost. Both without what is used while nothing is published. p50 and p99: ${check.perSecond} a second to all.`,
          "Nodes, admin, Redis, publisher and subscribers share all cores of the machine; nothing is pinned.",
          foreignNote(series),
        ],
      },
      {
        title: `capacity: ${options.connections.toLocaleString("en-US")} websocket connections of one node`,
        metrics: ofConnections,
        series: connecting,
        ratio: [],
        notes: ["As in idle, and the CPU of Redis for what is written down of each connection.", foreignNote(connecting)],
      },
    ];
  },
};

function onNodes(nodes: number, host: BenchHost, options: BenchOptions): Contestant {
  return {
    name: nodes === 1 ? "1 node" : `${nodes} nodes`,
    run: () =>
      onStage(host, options, async ({ stage }): Promise<Run> => {
        const cluster = await fanfareCluster(stage, nodes);
        const few = await swarmOn(stage, cluster, thin.channel, nodes);
        const many = await swarmOn(stage, cluster, channel, options.subscribers);
        const idle = await resting(stage, cluster, options);
        const atFew = await load(stage, cluster, few, thin.channel, thin, options);
        const atMany = await load(stage, cluster, many, channel, wide, options);
        const checked = await load(stage, cluster, many, channel, check, options);
        for (const { result } of [atFew, atMany, checked]) {
          if (!result.whole) return { discard: `${result.deliveries} of ${result.expected} deliveries` };
        }
        /** What was used for the publications, and not by the clock. */
        const beyond = (loaded: Loaded, part: "nodes" | "admin" | "redis"): number =>
          Math.max(0, loaded[part] - idle[part] * loaded.wallMs * 1_000);
        const hearMicros = beyond(atFew, "nodes") / atFew.result.messages / nodes;
        // What is heard and written to the first subscriber is in hearMicros.
        const further = atMany.result.deliveries - atMany.result.messages * nodes;
        return {
          sample: {
            nodes,
            hearMicros,
            deliverMicros: Math.max(0, beyond(atMany, "nodes") - hearMicros * atMany.result.messages * nodes) / further,
            adminMicros: beyond(atFew, "admin") / atFew.result.messages,
            redisMicros: beyond(atFew, "redis") / atFew.result.messages,
            idleNodeCores: idle.nodes / nodes,
            idleRedisCores: idle.redis,
            // As it was, not as it was meant: on a busy machine it takes longer.
            checkPerSecond: checked.result.messages / (checked.wallMs / 1_000),
            checkSubscribers: options.subscribers,
            checkNodeCores: checked.nodes / checked.wallMs / 1_000,
            checkRedisCores: checked.redis / checked.wallMs / 1_000,
            checkP50: checked.result.p50Ms,
            checkP99: checked.result.p99Ms,
            foreignShare: checked.foreignShare,
          },
        };
      }),
  };
}

/** Cores of all nodes, of the admin API and of Redis while nothing is published: pings, canaries, leases, lists. */
async function resting(
  stage: Stage,
  { gateways, pids }: FanfareCluster,
  options: BenchOptions,
): Promise<Readonly<Record<"nodes" | "admin" | "redis", number>>> {
  const watched = [pids.redis ?? 0, pids.publishing, ...gateways.map(({ pid }) => pid)];
  const { cpuMicros, wallMs } = await metered(watched, stage.pids, () => sleep(briefly(options, restMs)));
  const [redis = 0, admin = 0, ...nodes] = cpuMicros.map((micros) => micros / wallMs / 1_000);
  return { redis, admin, nodes: nodes.reduce((sum, cores) => sum + cores, 0) };
}

/** Subscribers, the same number on each node as far as that goes. */
async function swarmOn(stage: Stage, { gateways, listen }: FanfareCluster, channel: string, count: number): Promise<Swarm> {
  const swarm = await stage.swarm();
  for (const [index, { port }] of gateways.entries()) {
    const here = Math.floor((count * (index + 1)) / gateways.length) - Math.floor((count * index) / gateways.length);
    if (here > 0) await swarm.worker.ask("open", { listen: { ...listen, port, channel }, count: here });
  }
  return swarm;
}

interface Loaded extends Pick<Metered<Heard>, "result" | "wallMs" | "foreignShare"> {
  /** CPU in µs: of all nodes together, of the admin API, of Redis. */
  readonly nodes: number;
  readonly admin: number;
  readonly redis: number;
}

async function load(
  stage: Stage,
  { gateways, pids, publish }: FanfareCluster,
  { worker }: Swarm,
  to: string,
  { perSecond, forMs }: { readonly perSecond: number; readonly forMs: number },
  options: BenchOptions,
): Promise<Loaded> {
  const target = { ...publish, before: `{"channel":"${to}","data":` };
  const paced = (ms: number) =>
    worker.ask("paced", {
      publish: target,
      pace: { messages: Math.max(10, Math.round((perSecond * ms) / 1_000)), perSecond, payloadBytes },
    });
  await paced(300);
  const watched = [pids.redis ?? 0, pids.publishing, ...gateways.map(({ pid }) => pid)];
  const { cpuMicros, ...rest } = await metered(watched, stage.pids, () => paced(briefly(options, forMs)));
  const [redis = 0, admin = 0, ...nodes] = cpuMicros;
  return { ...rest, redis, admin, nodes: nodes.reduce((sum, micros) => sum + micros, 0) };
}

/** Connections of a fresh node, because memory that was once taken is rarely given back. */
function opened(host: BenchHost, options: BenchOptions): Contestant {
  return {
    name: "1 node",
    run: () =>
      onStage(host, options, async ({ stage }): Promise<Run> => {
        const { listen, pids } = await fanfareCluster(stage, 1);
        const { worker } = await stage.swarm();
        await worker.ask("open", { listen, count: firstConnections });
        await sleep(settleMs);
        const before = residentBytes(pids.listening);
        const open = () => worker.ask("open", { listen, count: options.connections });
        const { cpuMicros, foreignShare } = await metered([pids.listening, pids.redis ?? 0], stage.pids, open);
        await sleep(settleMs);
        const [node = 0, redis = 0] = cpuMicros;
        return {
          sample: {
            kib: (residentBytes(pids.listening) - before) / 1_024 / options.connections,
            baseMib: before / 2 ** 20,
            acceptMicros: node / options.connections,
            redisMicros: redis / options.connections,
            foreignShare,
          },
        };
      }),
  };
}
