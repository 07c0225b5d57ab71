import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  type Cluster,
  freePort,
  startRabbit,
  startServerProcess,
  TestClient,
  type TestRabbit,
  until,
} from "@fanfare/test-support";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { test } from "./cluster.ts";

/** The distribution's, which has its zmq and pika; another one on PATH may not. */
const python = "/usr/bin/python3";
const clientsPerNode = 5;
/** Adds one entry for each number. */
const addAll =
  "for n = ARGV[2], ARGV[3] do redis.call('XADD', KEYS[1], '*', 'channel', ARGV[1], 'data', string.format('%d', n)) end";

interface Producer {
  readonly done: Promise<unknown>;
  /** Ends the producer's standard input. */
  goOn(): void;
}

function produce(script: string, ...args: readonly (string | number)[]): Producer {
  const path = fileURLToPath(new URL(`producers/${script}`, import.meta.url));
  const done = promisify(execFile)(python, [path, ...args.map(String)]);
  return { done, goOn: () => done.child.stdin?.end() };
}

function subscribers(cluster: Cluster, channel: string): Promise<TestClient[]> {
  const places = Array.from({ length: clientsPerNode * 2 }, (_, index) => cluster.gateway(index % 2));
  return Promise.all(places.map((via) => cluster.client({ via, channels: [channel] })));
}

/** Waits until every subscriber has heard `last`, or as many as `last` says. */
function everybodyHeard(clients: readonly TestClient[], channel: string, last: number, ms = 30_000): Promise<void> {
  return until(() => {
    const behind = clients.filter((client) => client.heard(channel).at(-1) !== last);
    const [first] = behind;
    return first === undefined
      ? undefined
      : `${behind.length} of ${clients.length} have not heard ${last}; one has ${first.heard(channel).length}, up to ${first.heard(channel).at(-1)}`;
  }, ms);
}

/** Resolves when the first of them has heard this much. */
function halfway(clients: readonly TestClient[], channel: string, count: number): Promise<void> {
  return until(() => {
    const heard = clients[0]?.heard(channel).length ?? 0;
    return heard >= count ? undefined : `heard ${heard} of ${count}`;
  }, 30_000);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Of all sources together. */
async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return [...text.matchAll(new RegExp(`^${name}\\{.*\\} ([0-9.]+)`, "gm"))].reduce((sum, [, value]) => sum + Number(value), 0);
}

describe("a Redis that keeps its data", () => {
  test.override({ clusterOptions: { redis: { appendOnly: true } } });

  describe("AMQP", () => {
    let rabbit: TestRabbit;
    beforeAll(async () => {
      rabbit = await startRabbit();
    }, 90_000);
    afterAll(() => rabbit.stop(), 30_000);

    test("the example's broadcast over AMQP reaches the channel that it names", async ({ cluster }) => {
      await cluster.addIngest({ FANFARE_AMQP_URL: rabbit.url, FANFARE_ZMQ_BIND: "off" });
      const client = await cluster.client({ channels: ["public:lobby"] });
      const example = fileURLToPath(new URL("../../docs/examples/seed-websocket-broadcast/broadcast_amqp.py", import.meta.url));
      await promisify(execFile)(python, [example], { env: { ...process.env, FANFARE_AMQP_URL: rabbit.url } });
      await until(() => (client.heard("public:lobby").length > 0 ? undefined : "it did not come"));
      expect(client.heard("public:lobby")).toEqual(["hello by AMQP"]);
    });

    test("a pika producer's messages reach everybody once and in order, through the ends of RabbitMQ, Redis and the worker", async ({
      cluster,
    }) => {
      const [channel, count] = ["public:amqp", 4_000];
      const env = { FANFARE_AMQP_URL: rabbit.url, FANFARE_AMQP_QUEUE: "work", FANFARE_ZMQ_BIND: "" };
      const worker = await cluster.addIngest(env);
      const clients = await subscribers(cluster, channel);
      const produced = produce("amqp_publish.py", rabbit.url, "work", channel, count, 1_000);
      await halfway(clients, channel, 500);
      await cluster.kill(worker, "SIGKILL");
      const second = await cluster.addIngest(env);
      await halfway(clients, channel, 1_000);
      await cluster.redis.kill();
      await until(() => (second.log().some((line) => line.includes(`"msg":"paused`)) ? undefined : "the worker has not paused"));
      await cluster.redis.restart();
      await halfway(clients, channel, 2_000);
      await rabbit.restart();
      await produced.done;
      await everybodyHeard(clients, channel, count);
      for (const client of clients) expect(client.heard(channel)).toEqual(range(1, count));
      expect(await metric(second.port, "fanfare_ingest_paused_seconds_total")).toBeGreaterThan(0);
    }, 120_000);
  });

  test("a pyzmq producer loses only what it sends while no worker is there, and the gap is counted", async ({ cluster }) => {
    const [channel, count] = ["public:zmq", 5_000];
    // However long the second worker takes to start: these are sent once it is there.
    const held = 1_000;
    const address = `tcp://127.0.0.1:${await freePort()}`;
    const env = { FANFARE_ZMQ_BIND: address };
    const worker = await cluster.addIngest(env);
    const clients = await subscribers(cluster, channel);
    const produced = produce("zmq_pub.py", address, channel, count, 1_000, held);
    await halfway(clients, channel, 500);
    await cluster.redis.restart();
    await halfway(clients, channel, 2_000);
    // All that came before Redis went was held, not lost.
    expect(clients[0]?.heard(channel).slice(0, 2_000)).toEqual(range(1, 2_000));
    await cluster.kill(worker, "SIGKILL");
    const second = await cluster.addIngest(env);
    produced.goOn();
    await produced.done;
    await everybodyHeard(clients, channel, count);
    const [first] = clients;
    const heard = first?.heard(channel) as number[];
    expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
    for (const client of clients) expect(client.heard(channel)).toEqual(heard);
    const lost = count - heard.length;
    expect(await metric(second.port, "fanfare_ingest_gap_messages_total")).toBe(lost);
    expect(heard.filter((number, index) => index > 0 && number !== (heard[index - 1] ?? 0) + 1).length).toBeLessThanOrEqual(1);
  }, 120_000);

  test("a Redis stream reaches everybody once and in order, through the ends of Redis and the worker", async ({ cluster }) => {
    const [channel, count] = ["public:stream", 3_000];
    const env = { FANFARE_STREAM_KEY: "events", FANFARE_ZMQ_BIND: "off" };
    const worker = await cluster.addIngest(env);
    const standby = await cluster.addIngest(env);
    const clients = await subscribers(cluster, channel);
    const send = (first: number, last: number): Promise<unknown> =>
      cluster.redis.cli("eval", addAll, "1", "events", channel, String(first), String(last));
    await send(1, 1_000);
    await halfway(clients, channel, 500);
    await cluster.kill(worker, "SIGKILL");
    await send(1_001, 2_000);
    await halfway(clients, channel, 1_200);
    await cluster.redis.restart();
    await send(2_001, count);
    await everybodyHeard(clients, channel, count);
    for (const client of clients) expect(client.heard(channel)).toEqual(range(1, count));
    expect(standby.alive).toBe(true);
  }, 120_000);
});

test("sources run inside serve too, without any Redis", async () => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const dir = await mkdtemp(join(tmpdir(), "fanfare-serve-"));
  const rules = join(dir, "rules.json");
  await writeFile(rules, JSON.stringify({ namespaces: { public: { subscribe: "anyone" } } }));
  const ports = { FANFARE_HOST: "127.0.0.1", FANFARE_PORT: "0", FANFARE_PEER_PORT: "0", FANFARE_ADMIN_PORT: "0" };
  const env = { ...ports, FANFARE_RULES: rules, FANFARE_ZMQ_BIND: address };
  const serve = await startServerProcess({ label: "serve", command: "serve", cwd: dir, env });
  const client = new TestClient({ url: `http://127.0.0.1:${serve.ready.port}`, channels: ["public:zmq"] });
  await client.welcomed();
  await produce("zmq_pub.py", address, "public:zmq", 100, 1_000).done;
  await everybodyHeard([client], "public:zmq", 100);
  expect(client.heard("public:zmq")).toEqual(range(1, 100));
  client.close();
  await serve.end();
  await rm(dir, { recursive: true });
});
