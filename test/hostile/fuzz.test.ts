import { readFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { type Cluster, type GatewayProcess, type Random, seeded, until } from "@fanfare/test-support";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { test as plain } from "../cluster/cluster.ts";
import { bodies, messages, packets, paths, queries, rawRequests } from "./corpus.ts";
import { Mutator } from "./mutate.ts";

/*
 * Broken inputs at every door at once: websocket frames, polling bodies, handshakes, REST, raw bytes at every port, the peer
 * port with the secret, every Redis channel that a node listens on, and what nodes read from Redis. In npm test a slice of
 * it; the whole is `npm run fuzz -- --seed <n>`, see docs/TESTING.md.
 */

const seed = Number(process.env.FUZZ_SEED ?? 1);
const inputs = Number(process.env.FUZZ_INPUTS ?? 4_000);
const adminKey = "the-key-of-this-test";
const clusterSecret = "of the cluster in this test";

const test = plain.override({
  clusterOptions: {
    gateways: 2,
    redis: { port: true },
    env: {
      FANFARE_CLUSTER_SECRET: clusterSecret,
      FANFARE_ADMIN_KEYS: `fuzz:${adminKey}`,
      // What is to be found lies behind the limits, so they are out of the way here.
      FANFARE_ACCEPT_PER_SECOND: "1000000",
      FANFARE_REQUESTS_PER_CONNECTION: "0",
      FANFARE_PING_INTERVAL_MS: "2000",
      FANFARE_PING_TIMEOUT_MS: "2000",
      FANFARE_EMITTER_LOG: "off",
    },
  },
});

/** Sends one handful of inputs and answers how many it was. */
type Door = (count: number) => Promise<number>;

/** Of all inputs, how large each door's share is. */
interface Doors {
  readonly [name: string]: { readonly share: number; readonly door: Door };
}

test(`${inputs} broken inputs of seed ${seed} end no process, are answered with no 5xx, and leave nothing behind`, {
  timeout: 60_000 + inputs * 20,
}, async ({ cluster }) => {
  const random = seeded(seed);
  const mutator = new Mutator(random);
  const redis = new Redis(cluster.redis.url);
  const statuses = new Map<number, number>();
  const worldOf = { cluster, random, mutator, redis, statuses };
  const doors = doorsOf(worldOf);
  const bystander = await cluster.client({ channels: ["public:bystander"] });
  const counts: Record<string, number> = {};
  let sent = 0;
  /** Resident memory after each tenth. */
  const tenths: Map<string, number>[] = [];
  try {
    while (sent < inputs) {
      const before = sent;
      await Promise.all(
        Object.entries(doors).map(async ([name, { share, door }]) => {
          const done = await door(Math.ceil(share * handful));
          counts[name] = (counts[name] ?? 0) + done;
          sent += done;
        }),
      );
      expect(sent).toBeGreaterThan(before);
      expectWell(cluster);
      if (sent >= ((tenths.length + 1) * inputs) / 10) tenths.push(memoryOf(cluster));
    }
    expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
    await stillServes(cluster);
    await until(() => (bystander.socket.connected ? undefined : "the bystander is away"));
    const ended = memoryOf(cluster);
    const report = [...ended.keys()].map((name) => `${name} ${tenths.map((tenth) => tenth.get(name)).join(" ")} MB`);
    console.info(`seed ${seed}: ${JSON.stringify(counts)}; ${JSON.stringify([...statuses])}; RSS ${report.join(", ")}`);
    // The first half also has what a process needs once.
    const middle = tenths[4];
    for (const [name, mb] of ended) expect(mb - (middle?.get(name) ?? mb), name).toBeLessThan(growthMbMax);
  } finally {
    redis.disconnect();
  }
});

const handful = 400;
const growthMbMax = 80;

interface World {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly mutator: Mutator;
  readonly redis: Redis;
  readonly statuses: Map<number, number>;
}

function doorsOf(world: World): Doors {
  return {
    websocket: { share: 0.4, door: websocketFrames(world) },
    polling: { share: 0.15, door: pollingBodies(world) },
    handshakes: { share: 0.1, door: handshakes(world) },
    rest: { share: 0.1, door: restCalls(world) },
    raw: { share: 0.03, door: rawBytes(world) },
    peer: { share: 0.04, door: peerCalls(world) },
    pubsub: { share: 0.15, door: redisMessages(world) },
    stored: { share: 0.03, door: redisRecords(world) },
  };
}

function websocketFrames({ cluster, mutator, random }: World): Door {
  return async (count) => {
    let sent = 0;
    const perConnection = 40;
    await Promise.all(
      Array.from({ length: Math.ceil(count / perConnection) }, async () => {
        const { port } = random.pick(cluster.gateways);
        const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
        socket.on("error", () => undefined);
        await new Promise<void>((resolve) => socket.once("open", resolve).once("close", () => resolve()));
        if (random.next() < 0.9) socket.send("40");
        for (let at = 0; at < perConnection; at++, sent++) {
          if (socket.readyState !== WebSocket.OPEN) continue;
          const bytes = mutator.bytes(packets);
          const kind = random.next();
          // Bytes past the framing: opcodes, lengths and masks that no client makes.
          if (kind < 0.02) (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(bytes);
          else if (kind < 0.1) socket.send(bytes, { binary: true, fin: random.next() < 0.8 });
          else socket.send(bytes.toString("utf8"), { compress: false });
        }
        await new Promise<void>((resolve) => {
          socket.once("close", () => resolve());
          if (socket.readyState === WebSocket.CLOSED) resolve();
          else if (random.next() < 0.5) socket.close();
          else socket.terminate();
          setTimeout(() => {
            socket.terminate();
            resolve();
          }, 1_000).unref();
        });
      }),
    );
    return sent;
  };
}

function pollingBodies(world: World): Door {
  const { cluster, mutator, random } = world;
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const path = "/socket.io/?EIO=4&transport=polling";
  return (count) =>
    inLanes(count, 16, 5, async () => {
      const { port } = random.pick(cluster.gateways);
      const opened = await ask(world, agent, port, "GET", path);
      const sid = /"sid":"([^"]+)"/.exec(opened)?.[1] ?? "none";
      await ask(world, agent, port, "POST", `${path}&sid=${sid}`, "40");
      for (let at = 0; at < 5; at++) {
        // To any node: most of them are forwarded.
        const text = Array.from({ length: random.between(1, 4) }, () => mutator.text(packets)).join("\u001e");
        await ask(world, agent, random.pick(cluster.gateways).port, "POST", `${path}&sid=${sid}`, text);
      }
    });
}

function handshakes(world: World): Door {
  const { cluster, mutator, random } = world;
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const methods = ["GET", "GET", "GET", "POST", "OPTIONS", "PUT", "HEAD", "DELETE"] as const;
  const addresses = ["203.0.113.5, 10.0.0.1", "::1", "unknown"] as const;
  const origins = ["https://evil.example", "null", "https://app.example:443"] as const;
  return (count) =>
    inLanes(count, 16, 1, async () => {
      const { port } = random.pick(cluster.gateways);
      const headers = { "x-forwarded-for": mutator.visible(addresses), origin: mutator.visible(origins), cookie: "a=b" };
      await ask(world, agent, port, random.pick(methods), `/socket.io/?${mutator.visible(queries)}`, undefined, headers);
    });
}

function restCalls(world: World): Door {
  const { cluster, mutator, random } = world;
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const methods = ["POST", "POST", "POST", "GET", "GET", "DELETE", "PUT", "PATCH", "HEAD"] as const;
  const types = ["application/json", "application/x-ndjson", "text/plain"] as const;
  return (count) =>
    inLanes(count, 16, 1, async () => {
      const admin = random.pick(cluster.admins);
      const method = random.pick(methods);
      const body = method === "GET" || method === "HEAD" ? undefined : mutator.bytes(bodies);
      const headers = {
        authorization: `Bearer ${random.next() < 0.98 ? adminKey : mutator.visible(["key"])}`,
        "content-type": random.next() < 0.9 ? types[0] : mutator.visible(types),
        "idempotency-key": mutator.visible(["id-1"]).slice(0, 400),
      };
      const path = random.next() < 0.5 ? random.pick(paths) : mutator.visible(paths).replace(/^\/*/, "/");
      await ask(world, agent, admin.port, method, path, body, headers);
    });
}

function rawBytes({ cluster, mutator, random, statuses }: World): Door {
  return (count) =>
    inLanes(count, 8, 1, async () => {
      const ports = [
        ...cluster.gateways.flatMap(({ port, peerPort }) => [port, peerPort]),
        ...cluster.admins.map(({ port }) => port),
      ];
      await new Promise<void>((resolve) => {
        const socket = connect(random.pick(ports), "127.0.0.1", () => socket.write(mutator.bytes(rawRequests)));
        const over = setTimeout(() => socket.destroy(), 100);
        socket.on("data", (chunk: Buffer) =>
          count1(statuses, Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString("latin1"))?.[1] ?? 0)),
        );
        socket.on("error", () => undefined);
        socket.once("close", () => {
          clearTimeout(over);
          resolve();
        });
      });
    });
}

function peerCalls(world: World): Door {
  const { cluster, mutator, random } = world;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const orders = ["claim", "take", "release", "noop"].map((order) => `/relay/${order}?sid=0a1b2c3d.AAAAAAAAAAAAAAAAAAAA`);
  const targets = [...orders, ...queries.map((query) => `/socket.io/?${query}`), "/readyz", "/metrics", "/drainx"];
  return (count) =>
    inLanes(count, 8, 1, async () => {
      const { peerPort } = random.pick(cluster.gateways);
      const path = mutator.visible(targets).replace(/^\/*/, "/");
      // The order to drain is obeyed, and would end the node.
      if (path.startsWith("/drain")) return;
      const headers = { "x-fanfare-secret": random.next() < 0.8 ? clusterSecret : mutator.visible(["wrong"]) };
      await ask(world, agent, peerPort, random.pick(["GET", "POST"]), path, undefined, headers);
    });
}

/** On every channel that somebody listens on now, and on those of the pattern for emitters. */
function redisMessages({ redis, mutator, random }: World): Door {
  return async (count) => {
    const sharded = ((await redis.call("PUBSUB", "SHARDCHANNELS")) as string[]).filter((topic) => !topic.includes("bystander"));
    const classic = (await redis.call("PUBSUB", "CHANNELS")) as string[];
    const emitters = ["socket.io#/#", "socket.io#/#public:a#", "socket.io#/other#"];
    expect(sharded.length).toBeGreaterThan(0);
    const pipeline = redis.pipeline();
    for (let at = 0; at < count; at++) {
      const message = mutator.bytes(messages);
      if (random.next() < 0.7) pipeline.call("SPUBLISH", random.pick(sharded), message);
      else pipeline.publish(random.pick([...classic, ...emitters]), message);
    }
    await pipeline.exec();
    return count;
  };
}

/**
 * The texts that nodes and admin APIs read as each other's words: records of nodes, sessions, connections, processes, members
 * and revocations. What the scripts count in (epochs, offsets) is not broken here: whoever writes there writes history.
 */
function redisRecords({ redis, mutator, random }: World): Door {
  const record = { id: "x", node: "n", user: null, peerUrl: "http://127.0.0.1:1", sidPrefix: "0a1b2c3d", startedAt: 1, since: 1 };
  const texts = [
    JSON.stringify({ ...record, connections: 1, state: "ready", channels: [["public:a", { epoch: "e", offset: 1 }]] }),
    JSON.stringify({ websocket: 1, polling: 1, publicationsPerSecond: 1, deliveriesPerSecond: 1, transport: "t", address: "a" }),
    'node 1 ada 1 {"id":"x","user":null,"info":null',
  ];
  return async (count) => {
    const keys = await redis.keys("fanfare:*");
    const of = (part: string): string[] => [...keys.filter((key) => key.includes(part)), "fanfare:none"];
    const pipeline = redis.pipeline();
    for (let at = 0; at < count; at++) {
      const text = mutator.bytes(texts);
      const node = `fuzz${at % 5}`;
      const door = random.next();
      if (door < 0.3)
        pipeline.set(`fanfare:{0}:node:${node}`, text, "PX", 5_000).zadd("fanfare:{0}:nodes", Date.now() + 5_000, node);
      else if (door < 0.5) pipeline.hset(random.pick(of(":session:")), "record", text);
      else if (door < 0.7) pipeline.hset(random.pick(of(":c:")), "about", text);
      else if (door < 0.8) pipeline.set(random.pick(of(":said:")), text, "KEEPTTL");
      else pipeline.hset(random.pick(of("revocation")), "fuzz", text);
    }
    // Some are refused, being of another type.
    await pipeline.exec();
    return count;
  };
}

/** One request whose answer is counted. Never rejects: a connection that is cut is an answer too. */
function ask(
  { statuses }: World,
  agent: Agent,
  port: number,
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string> = {},
): Promise<string> {
  return new Promise((resolve) => {
    const settle = (answer: IncomingMessage | undefined, text: string): void => {
      count1(statuses, answer?.statusCode ?? 0);
      resolve(text);
    };
    const outgoing = request({ agent, port, host: "127.0.0.1", method, path, headers, timeout: 6_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.once("close", () => settle(answer, text));
    });
    outgoing.once("error", () => settle(undefined, ""));
    // A poll that waits for news.
    outgoing.once("timeout", () => outgoing.destroy());
    outgoing.end(body);
  });
}

async function inLanes(count: number, lanes: number, inputsPerTask: number, task: () => Promise<void>): Promise<number> {
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < count) {
      started += inputsPerTask;
      await task();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return started;
}

function count1(statuses: Map<number, number>, status: number): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

function expectWell(cluster: Cluster): void {
  for (const { label, alive, log } of [...cluster.gateways, ...cluster.admins]) {
    expect([label, alive]).toEqual([label, true]);
    expect(log().filter((line) => /"level":"(error|fatal)"|Unhandled|Uncaught/.test(line))).toEqual([]);
  }
}

/** A channel that nobody has forged anything on works as if nothing had been. */
async function stillServes(cluster: Cluster): Promise<void> {
  for (const via of cluster.gateways as GatewayProcess[]) {
    const client = await cluster.client({ via, channels: ["public:after"] });
    const answer = await fetch(`http://127.0.0.1:${cluster.admin(0).port}/v1/publish`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ channel: "public:after", data: via.node }),
    });
    expect(answer.status).toBe(200);
    await until(() => (client.heard("public:after").includes(via.node) ? undefined : `${via.label} does not deliver`), 20_000);
    client.close();
  }
}

/** Resident memory of each process in MB. */
function memoryOf(cluster: Cluster): Map<string, number> {
  return new Map(
    [...cluster.gateways, ...cluster.admins].map(({ label, pid }) => {
      const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      return [label, Math.round(Number(kb) / 1_024)];
    }),
  );
}
