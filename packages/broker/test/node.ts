import {
  type Broker,
  type Channel,
  channelName,
  channelOfRoom,
  type Draft,
  defaultEvent,
  type Link,
  parseAnnouncement,
  partitionOf,
  type Retention,
  roomOf,
  topicOfRoom,
} from "@fanfare/domain";
import { type StartRedisOptions, startRedis, type TestRedis, until } from "@fanfare/test-support";
import { afterEach, expect } from "vitest";
import { type Backend, openBackend } from "../src/backend.ts";
import type { Log } from "../src/log.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { quiet } from "./quiet.ts";

const cluster = "c";
export const keep: Retention = { count: 10_000, seconds: 60 };
export const news = channelName("news");
/** What callers are promised. */
export const answeredWithinMs = 2_000;

/** A backend as a node has it, and what came of it. */
export interface Node extends Backend {
  /** Of partition 0. */
  readonly links: readonly Link[];
  linksOf(partition: number): readonly Link[];
  /** Offsets heard in {@link news}. */
  readonly heard: readonly number[];
  heardIn(channel: Channel): readonly number[];
}

/** Does what it is given after the test, the newest first. To be called once in a file. */
export function useCleanups(): (task: () => unknown) => void {
  const tasks: (() => unknown)[] = [];
  afterEach(async () => {
    for (const task of tasks.splice(0).reverse()) await task();
  });
  return (task) => void tasks.push(task);
}

/** Servers, proxies and nodes that end with the test that asked for them. To be called once in a file. */
export function useRedis() {
  const cleanup = useCleanups();
  return {
    async redisWith(options?: StartRedisOptions): Promise<TestRedis> {
      const redis = await startRedis(options);
      cleanup(() => redis.stop());
      return redis;
    },
    async proxyTo(redis: TestRedis): Promise<FaultProxy> {
      const proxy = await startFaultProxy({ host: "127.0.0.1", port: Number(new URL(redis.url).port) });
      cleanup(() => proxy.close());
      return proxy;
    },
    nodeAt(redisUrl: string, log: Log = quiet): Node {
      const node = openNode(redisUrl, log);
      cleanup(() => node.close());
      return node;
    },
  };
}

export function openNode(redisUrl: string, log: Log = quiet): Node {
  const backend = openBackend({ redisUrl, cluster, log });
  const links = Array.from({ length: backend.broker.partitions }, (): Link[] => []);
  const heard = new Map<string, number[]>();
  const heardIn = (channel: string): number[] => {
    const offsets = heard.get(channel) ?? [];
    heard.set(channel, offsets);
    return offsets;
  };
  backend.pubSub.onLink((link, partition) => void links[partition]?.push(link));
  backend.pubSub.onMessage((topic, message) => {
    const channel = channelOfRoom(topic.slice(`${cluster}#/#`.length, -1));
    if (channel !== undefined) heardIn(channel).push(parseAnnouncement(message)?.offset ?? Number.NaN);
  });
  return { ...backend, links: links[0] ?? [], linksOf: (partition) => links[partition] ?? [], heard: heardIn(news), heardIn };
}

export function topicOf(channel: Channel, { partitions }: Pick<Broker, "partitions">): string {
  return topicOfRoom(cluster, roomOf(channel, partitionOf(channel, partitions)));
}

export function draftOf(json: string, rest: Partial<Draft> = {}): Draft {
  return { channel: news, event: defaultEvent, payload: { json, binary: false }, ...rest };
}

export const isUp = (node: Node, partition = 0) => {
  return () => (node.linksOf(partition).at(-1) === "up" ? undefined : `the link is ${node.linksOf(partition).at(-1)}`);
};
export const isDown = (node: Node, partition = 0) => {
  return () => (node.linksOf(partition).at(-1) === "down" ? undefined : `the link is ${node.linksOf(partition).at(-1)}`);
};

/** Every question that a node can ask its broker. */
function verbs({ broker, pubSub, directory, registry }: Backend): Record<string, () => Promise<unknown>> {
  const record = { node: "a", peerUrl: "", sidPrefix: "", startedAt: 0, connections: 0, state: "ready" as const, version: "" };
  return {
    publish: () => broker.publish(draftOf("1"), keep),
    publishWithId: () => broker.publish(draftOf("1", { id: "k" }), keep),
    publishEach: async () => {
      const [outcome] = await broker.publishEach([{ draft: draftOf("1"), retain: keep }]);
      if (outcome?.kind === "failed") throw outcome.error;
    },
    publishDurably: () => broker.publish(draftOf("1"), keep, { durable: true }),
    open: () => broker.open([news]),
    frontier: () => broker.frontier(0),
    read: () => broker.read(news, { from: "end", limit: 1 }, keep),
    describe: () => broker.describe(news, keep),
    purge: () => broker.purge(news),
    renew: () => broker.renew(news, "x"),
    ping: () => broker.ping(),
    tell: () => pubSub.publish("t", new Uint8Array()),
    subscribers: () => pubSub.subscribers("t"),
    renewLease: () => directory.renew(record, 1_000),
    leave: () => directory.leave("a"),
    nodes: () => directory.nodes(),
    subscribersOf: () => registry.subscribers(news),
    writeRegistry: () =>
      registry.write({ node: "a", after: undefined, stamp: "x", complete: true, changed: [], gone: ["y"] }, 1_000),
    leaveRegistry: () => registry.leave("a", "x"),
    sweep: () => registry.sweep(1_000),
    missing: () => registry.missing([]),
    connection: () => registry.connection("x"),
    connections: () => registry.connections({}, { limit: 10 }),
    channels: () => registry.channels({}, { limit: 10 }),
    users: () => registry.users({ limit: 10 }),
    totals: () => registry.totals(),
    report: () => registry.report("a", { websocket: 0, polling: 0, publicationsPerSecond: 0, deliveriesPerSecond: 0 }, 1_000),
    figures: () => registry.figures(),
  };
}

/** Asks everything at once, again and again for a second, and expects a timely no each time. */
export async function expectUnavailable(backend: Backend): Promise<void> {
  const end = performance.now() + 1_000;
  while (performance.now() < end) {
    await new Promise(setImmediate);
    await Promise.all(
      Object.entries(verbs(backend)).map(async ([name, ask]) => {
        const asked = performance.now();
        const refusal = await ask().then(
          () => "an answer",
          (thrown: { code?: string }) => thrown.code,
        );
        expect([name, refusal]).toEqual([name, "BROKER_UNAVAILABLE"]);
        expect(performance.now() - asked, name).toBeLessThan(answeredWithinMs);
      }),
    );
  }
}

/** Once its own connections are back, which may be later than the subscriber's, every verb answers. */
export async function expectAnswers(backend: Backend): Promise<void> {
  await until(() => codeOf(backend.broker.ping()));
  await until(() => codeOf(backend.broker.publish(draftOf("1"), keep, { durable: true })));
  for (const [name, ask] of Object.entries(verbs(backend))) {
    await ask().catch((thrown: unknown) => expect.fail(`${name}: ${thrown}`));
  }
}

export async function publishUntilStored(node: Node, draft: Draft, ms = 5_000): Promise<void> {
  await until(() => codeOf(node.broker.publish(draft, keep)), ms);
}

/** Undefined once it is answered, and the code when it is refused. */
export function codeOf(answer: Promise<unknown>): Promise<string | undefined> {
  return answer.then(
    () => undefined,
    (thrown: { code?: string }) => `${thrown.code}`,
  );
}
