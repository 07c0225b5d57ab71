import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { channel } from "../contestants/cluster.ts";
import { type FanfareCluster, fanfareCluster } from "../contestants/fanfare.ts";
import type { BenchHost } from "../host.ts";
import { metered } from "../process/meter.ts";
import type { Stage } from "../process/stage.ts";
import type { Metric, Outcome } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import type { BareDuties } from "../workers/bare-consumer.ts";
import type { FeederDuties, Spring } from "../workers/feeder.ts";
import { type Bench, foreignNote, onStage, type Scenario } from "./scenario.ts";

const payloadBytes = 128;
/** Bare consumers are so much faster that as many as ours would be over within a tick of the CPU clock. */
const enough = { fanfare: 20_000, bare: 60_000 };
const few = { fanfare: 500, bare: 500 };
const pollMs = 5;
const patienceMs = 60_000;

const metrics: readonly Metric[] = [
  { key: "perSecond", title: "messages\na second", digits: 0, spread: true },
  { key: "micros", title: "consumer\nµs/message", digits: 1, spread: true },
  { key: "busy", title: "busy\n%", digits: 0 },
];

const about: Readonly<Record<Spring["source"], string>> = {
  zeromq: "ZeroMQ, PUSH to PULL (zeromq)",
  amqp: "AMQP, a durable queue, prefetch 500 (amqplib)",
  stream: "Redis stream, a consumer group (ioredis)",
};

/** Something that takes messages in, running. */
interface Consumer {
  readonly pid: number;
  readonly spring: Spring;
  readonly messages: number;
  /** Resolves when so many more messages are through. */
  through(messages: number): Promise<void>;
}

/** How fast messages come in from other systems, beside a loop of the same library that only acknowledges. */
export const ingest: Scenario = {
  about: "messages a second from ZeroMQ, AMQP and a Redis stream",
  run: async (host, options) => {
    const outcomes: Outcome[] = [];
    const missing: string[] = [];
    for (const source of ["zeromq", "amqp", "stream"] as const) {
      // Each has a third of the scenario's time.
      const third = { ...options, budgetMs: options.budgetMs / 3 };
      const outcome = await onStage(host, third, (bench) => beside(source, host, bench, options.quick ? few : enough));
      if (outcome !== undefined) outcomes.push(outcome);
      else missing.push(`No ${about[source]}: there is no such server on this machine.`);
    }
    return outcomes.map((outcome, index) => (index > 0 ? outcome : { ...outcome, notes: [...outcome.notes, ...missing] }));
  },
};

/** Undefined where there is no such source on this machine. */
async function beside(
  source: Spring["source"],
  host: BenchHost,
  { stage, repeat }: Bench,
  messages: typeof enough,
): Promise<Outcome | undefined> {
  host.progress(`starting consumers of ${source}`);
  const address = await serverOf(source, stage);
  if (address === undefined) return undefined;
  const ours = await fanfareConsumer(stage, source, address, messages.fanfare);
  const bare = await bareConsumer(stage, source, address, messages.bare);
  const pinning = await stage.isolate([ours.pid, bare.pid]);
  const series = await repeat([contestant("fanfare", ours, stage), contestant("bare", bare, stage)]);
  return {
    title: `ingest: ${about[source]}, ${payloadBytes} bytes`,
    metrics,
    series,
    ratio: { of: "perSecond", to: "bare" },
    notes: [
      `fanfare: fanfare ingest stores each message as a publication and acknowledges it then; ${messages.fanfare.toLocaleString("en-US")} messages a run. bare: the same library in a loop that acknowledges and forgets; ${messages.bare.toLocaleString("en-US")}. Both are sent while they are consumed, and timed from the first sent to the last through. A consumer that is not busy waits for its producer and server, which share a core.`,
      pinning,
      foreignNote(series),
    ],
  };
}

/** What is in between. ZeroMQ has nothing there: the consumers take addresses of their own. */
async function serverOf(source: Spring["source"], stage: Stage): Promise<string | undefined> {
  if (source === "zeromq") return "";
  return source === "amqp" ? (await stage.rabbit())?.url : (await stage.redis()).socket;
}

function contestant(name: string, consumer: Consumer, stage: Stage): Contestant {
  const feeder = stage.worker<FeederDuties>("feeder");
  return {
    name,
    async run() {
      const { spring, messages: count } = consumer;
      const { cpuMicros, wallMs, foreignShare } = await metered([consumer.pid], stage.pids, async () => {
        const fed = feeder.ask("feed", { spring, channel, messages: count, payloadBytes });
        await Promise.all([fed, consumer.through(count)]);
      });
      const used = cpuMicros[0] ?? 0;
      return { sample: { perSecond: (count / wallMs) * 1_000, micros: used / count, busy: used / wallMs / 10, foreignShare } };
    },
  };
}

async function fanfareConsumer(stage: Stage, source: Spring["source"], address: string, messages: number): Promise<Consumer> {
  const cluster = await fanfareCluster(stage, 0);
  const spring = { source, name: "fanfare", address: address || `ipc://${join(await mkdtemp(join(stage.dir, "zmq-")), "s")}` };
  const settings: Readonly<Record<Spring["source"], Readonly<Record<string, string>>>> = {
    zeromq: { FANFARE_ZMQ_BIND: "off", FANFARE_ZMQ_PULL_BIND: spring.address },
    amqp: { FANFARE_ZMQ_BIND: "off", FANFARE_AMQP_URL: spring.address, FANFARE_AMQP_QUEUE: spring.name },
    stream: {
      FANFARE_ZMQ_BIND: "off",
      FANFARE_STREAM_KEY: spring.name,
      FANFARE_SOURCE_REDIS_URL: `redis+unix://${spring.address}`,
    },
  };
  const ports = { FANFARE_HOST: "127.0.0.1", FANFARE_INGEST_PORT: "0" };
  const { pid } = await stage.fanfare("ingest", { ...cluster.shared, ...ports, ...settings[source] });
  let stored = await offsetOf(cluster);
  return {
    pid,
    spring,
    messages,
    async through(count) {
      stored += count;
      for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(pollMs)) {
        if ((await offsetOf(cluster)) >= stored) return;
      }
      throw new Error(`Of ${count} messages of ${source} not all were stored after ${patienceMs / 1_000} s.`);
    },
  };
}

async function bareConsumer(stage: Stage, source: Spring["source"], address: string, messages: number): Promise<Consumer> {
  const worker = stage.worker<BareDuties>("bare-consumer");
  const spring = { source, name: "bare", address: address || `ipc://${join(await mkdtemp(join(stage.dir, "zmq-")), "s")}` };
  await worker.ask("start", spring);
  return { pid: worker.pid, spring, messages, through: (count) => worker.ask("consumed", { messages: count }) };
}

/** How many publications the channel has had. */
async function offsetOf({ admin: { port, token } }: FanfareCluster): Promise<number> {
  const url = `http://127.0.0.1:${port}/v1/channels/${encodeURIComponent(channel)}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  // Before its first publication there is no such channel.
  if (response.status === 404) return 0;
  return ((await response.json()) as { offset: number }).offset;
}
