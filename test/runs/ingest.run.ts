import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Cluster, freePort, startRabbit, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "../cluster/cluster.ts";
import { report } from "./crowd.ts";
import { percentile, type Transports, Watcher } from "./watcher.ts";

/** Of each producer. RUN_MESSAGES for fewer. */
const count = Number(process.env.RUN_MESSAGES ?? 100_000);
const perSecond = Number(process.env.RUN_PER_SECOND ?? 1_500);
const subscribers = 50;
const kinds: readonly Transports[] = [["websocket"], undefined];
/** Debian's, which has zmq and pika. */
const python = "/usr/bin/python3";

test.override({ clusterOptions: { redis: { appendOnly: true } } });

async function produce(script: string, ...args: readonly (string | number)[]): Promise<void> {
  const path = fileURLToPath(new URL(`../cluster/producers/${script}`, import.meta.url));
  await promisify(execFile)(python, [path, ...args.map(String)]);
}

async function subscribe(cluster: Cluster, channel: string): Promise<Watcher[]> {
  const watchers: Watcher[] = [];
  for (let n = 0; n < subscribers; n++) watchers.push(new Watcher(cluster.gateway(n % 2).url, channel, kinds[n % kinds.length]));
  await Promise.all(watchers.map((watcher) => watcher.welcomed()));
  return watchers;
}

/** Resolves when the first of them has come so far. */
function reached([first]: readonly Watcher[], share: number): Promise<void> {
  return until(() => ((first?.heard ?? 0) >= share * count ? undefined : `heard ${first?.heard} of ${count}`), 600_000);
}

function everybody(watchers: readonly Watcher[]): Promise<void> {
  return until(() => {
    const behind = watchers.filter(({ heard }) => heard < count);
    return behind.length === 0 ? undefined : `${behind.length} have not heard the last; one is at ${behind[0]?.heard}`;
  }, 600_000);
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  // Every source has its series from the start.
  return [...text.matchAll(new RegExp(`^${name}\\{.*\\} ([0-9.]+)`, "gm"))].reduce(
    (total, [, value]) => total + Number(value),
    0,
  );
}

function sum(watchers: readonly Watcher[], of: (watcher: Watcher) => number): number {
  return watchers.reduce((total, watcher) => total + of(watcher), 0);
}

describe("a producer in Python, through the ends of its broker, of Redis and of the worker", () => {
  test("AMQP: everything arrives once and in order", async ({ cluster }) => {
    const rabbit = await startRabbit();
    const channel = "public:amqp";
    const env = { FANFARE_AMQP_URL: rabbit.url, FANFARE_AMQP_QUEUE: "work", FANFARE_ZMQ_BIND: "off" };
    const worker = await cluster.addIngest(env);
    const watchers = await subscribe(cluster, channel);
    const startedMs = performance.now();
    const produced = produce("amqp_publish.py", rabbit.url, "work", channel, count, perSecond);
    await reached(watchers, 0.2);
    await cluster.kill(worker, "SIGKILL");
    const second = await cluster.addIngest(env);
    await reached(watchers, 0.4);
    await cluster.redis.restart();
    await reached(watchers, 0.6);
    await rabbit.restart();
    await produced;
    await everybody(watchers);
    report("AMQP", {
      messages: count,
      subscribers,
      seconds: Math.round((performance.now() - startedMs) / 1_000),
      missed: sum(watchers, ({ missed }) => missed),
      doubled: sum(watchers, ({ doubled }) => doubled),
      disordered: sum(watchers, ({ disordered }) => disordered),
      resets: sum(watchers, ({ resets }) => resets),
      reconnects: sum(watchers, ({ connects }) => connects - 1),
      duplicatesNotStored: await metric(second.port, "fanfare_ingest_duplicates_total"),
      pausedSeconds: await metric(second.port, "fanfare_ingest_paused_seconds_total"),
    });
    for (const watcher of watchers) {
      expect(watcher).toMatchObject({ heard: count, missed: 0, doubled: 0, disordered: 0, resets: 0, connects: 1 });
      watcher.close();
    }
    await rabbit.stop();
  });

  test("ZeroMQ: only what is sent while no worker is there is missing, and that is counted", async ({ cluster }) => {
    const channel = "public:zmq";
    const address = `tcp://127.0.0.1:${await freePort()}`;
    const worker = await cluster.addIngest({ FANFARE_ZMQ_BIND: address });
    const watchers = await subscribe(cluster, channel);
    const startedMs = performance.now();
    const produced = produce("zmq_pub.py", address, channel, count, perSecond);
    await reached(watchers, 0.2);
    await cluster.redis.restart();
    await reached(watchers, 0.5);
    const killedMs = performance.now();
    await cluster.kill(worker, "SIGKILL");
    const second = await cluster.addIngest({ FANFARE_ZMQ_BIND: address });
    const awayMs = performance.now() - killedMs;
    await produced;
    await everybody(watchers);
    const missed = watchers.map((watcher) => watcher.missed).sort((a, b) => a - b);
    const gap = await metric(second.port, "fanfare_ingest_gap_messages_total");
    report("ZeroMQ", {
      messages: count,
      subscribers,
      seconds: Math.round((performance.now() - startedMs) / 1_000),
      workerAwayMs: Math.round(awayMs),
      missedByEach: `${percentile(missed, 0)}-${percentile(missed, 1)}`,
      gapCounted: gap,
      doubled: sum(watchers, ({ doubled }) => doubled),
      disordered: sum(watchers, ({ disordered }) => disordered),
      resets: sum(watchers, ({ resets }) => resets),
    });
    // What the worker had taken in and not stored when it was killed is lost with it: a thousand messages at most.
    expect(gap).toBeLessThanOrEqual((awayMs / 1_000 + 1) * perSecond + 1_000);
    for (const watcher of watchers) {
      expect(watcher).toMatchObject({ heard: count, missed: gap, doubled: 0, disordered: 0, resets: 0, connects: 1 });
      watcher.close();
    }
  });
});
