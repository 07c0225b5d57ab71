import { type Channel, channelName, partitionOf } from "@fanfare/domain";
import { startRedisCluster, type TestRedis, type TestRedisCluster, until } from "@fanfare/test-support";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { codeOf, draftOf, isUp, keep, type Node, openNode, publishUntilStored, topicOf } from "../test/node.ts";
import type { Log } from "./log.ts";

// Each test may break the cluster, so each has its own.

const partitions = 8;
let redis: TestRedisCluster;
const nodes: Node[] = [];
beforeEach(async () => {
  redis = await startRedisCluster({ replicas: 1 });
}, 40_000);
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
  await redis.stop();
});

function nodeAt(url = redis.url, log?: Log): Node {
  const node = openNode(url, log);
  nodes.push(node);
  return node;
}

/** One channel for each partition. */
const channels = Array.from({ length: partitions }, (_, partition): Channel => {
  for (let number = 0; ; number++) {
    const channel = channelName(`news${number}`);
    if (partitionOf(channel, partitions) === partition) return channel;
  }
});

/** A node that hears a channel of every partition, and has heard its first publication. */
async function nodeWithChannels(): Promise<Node> {
  const node = nodeAt();
  await Promise.all(channels.map((channel) => node.pubSub.subscribe(topicOf(channel, node.broker))));
  for (let partition = 0; partition < partitions; partition++) await until(isUp(node, partition));
  for (const channel of channels) await publishUntilStored(node, draftOf("1", { channel }));
  await until(() => (channels.every((channel) => node.heardIn(channel).length === 1) ? undefined : "not all heard"));
  return node;
}

/** Which partitions live on which side: on `server`, or elsewhere. */
async function split(server: TestRedis): Promise<{ hit: number[]; spared: number[] }> {
  const hit: number[] = [];
  const spared: number[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    ((await redis.primaryOf(`{${partition}}`)) === server ? hit : spared).push(partition);
  }
  return { hit, spared };
}

/** Publishes in every partition until it is stored and heard: the next offset, in the old epoch. */
async function expectGoesOn(node: Node, offset: number): Promise<void> {
  for (const [partition, channel] of channels.entries()) {
    await publishUntilStored(node, draftOf(String(offset), { channel, id: `after ${offset}` }), 10_000);
    await until(isUp(node, partition), 10_000);
    // Announced before the link was up again it would not be heard, and that would be no mistake.
    const { offset: top } = (await node.broker.open([channel]))[0] ?? { offset: 0 };
    expect(top).toBe(offset);
  }
}

async function expectHears(node: Node, partition: number): Promise<void> {
  const channel = channels[partition] ?? expect.fail("no such partition");
  const outcome = await node.broker.publish(draftOf('"heard?"', { channel }), keep);
  if (outcome.kind !== "stored") expect.fail(outcome.kind);
  const { offset } = outcome.position;
  await until(() => (node.heardIn(channel).at(-1) === offset ? undefined : `heard only ${node.heardIn(channel)}`));
}

describe("when a primary of a Redis Cluster", () => {
  test("is killed, its partitions heal on its replica by themselves, and the others are not disturbed", async () => {
    const node = await nodeWithChannels();
    const victim = await redis.primaryOf("{0}");
    const { hit, spared } = await split(victim);
    expect(hit.length, "each primary serves some partitions").toBeGreaterThan(0);
    await victim.kill();
    const away = draftOf('"while away"', { channel: channels[0] ?? expect.fail(), id: "away" });
    expect(await firstRefusal(() => codeOf(node.broker.publish(away, keep)))).toBe("BROKER_UNAVAILABLE");
    // While the replica is being chosen, the others store and are heard.
    for (const partition of spared) await expectHears(node, partition);
    for (const partition of hit) {
      const channel = channels[partition] ?? expect.fail("no such partition");
      await publishUntilStored(node, draftOf("2", { channel, id: "2" }), 10_000);
      await until(isUp(node, partition), 10_000);
      await expectHears(node, partition);
    }
    for (const partition of spared) expect(node.linksOf(partition)).toEqual(["up"]);
    for (const partition of hit) expect(node.linksOf(partition).slice(0, 3)).toEqual(["up", "down", "up"]);
  });

  test("hands over to its replica, nothing that was stored is lost and all is heard on the new one", async () => {
    const node = await nodeWithChannels();
    const old = await redis.primaryOf("{0}");
    const { spared, hit } = await split(old);
    const [replica] = await redis.replicasOf(old);
    await replica?.cli("cluster", "failover");
    await until(async () => ((await redis.primaryOf("{0}")) === replica ? undefined : "no other primary"), 10_000);
    // The old primary still runs and would still be heard: the connections to it are cut nevertheless.
    for (const partition of hit) await until(() => (node.linksOf(partition).length >= 3 ? undefined : "not moved"), 6_000);
    await expectGoesOn(node, 2);
    for (let partition = 0; partition < partitions; partition++) await expectHears(node, partition);
    for (const partition of spared) expect(node.linksOf(partition)).toEqual(["up"]);
    await until(async () => {
      const clients = String(await old.cli("client", "list"));
      return /fanfare-(?:commands|subscriber)/.test(clients) ? "the old primary still has connections" : undefined;
    });
  });

  test("gives a slot away, the slot's partition goes there and the others stay", async () => {
    const node = await nodeWithChannels();
    const from = await redis.primaryOf("{3}");
    const to = redis.nodes.slice(0, 3).find((each) => each !== from) ?? expect.fail("there is no other primary");
    await moveSlot("{3}", from, to);
    const channel = channels[3] ?? expect.fail("no such partition");
    await publishUntilStored(node, draftOf("2", { channel, id: "2" }), 10_000);
    await until(() => (node.linksOf(3).length >= 3 ? isUp(node, 3)() : "the link has not moved"), 6_000);
    await expectHears(node, 3);
    expect((await node.broker.open([channel]))[0]?.offset).toBe(3);
    for (const partition of [0, 1, 2, 4, 5, 6, 7]) expect(node.linksOf(partition)).toEqual(["up"]);
  });

  test("is frozen, its partitions move to its replica, and it is left alone when it thaws", async () => {
    const node = await nodeWithChannels();
    const victim = await redis.primaryOf("{0}");
    const { hit, spared } = await split(victim);
    victim.pause();
    try {
      await expectGoesOn(node, 2);
    } finally {
      victim.resume();
    }
    await until(async () => (((await victim.cli("role")) as unknown[])[0] === "slave" ? undefined : "still a primary"), 10_000);
    await expectGoesOn(node, 3);
    for (let partition = 0; partition < partitions; partition++) await expectHears(node, partition);
    for (const partition of spared) expect(node.linksOf(partition)).toEqual(["up"]);
    for (const partition of hit) expect(node.linksOf(partition).at(-1)).toBe("up");
  });
});

test("a node finds the cluster when most of its seeds are dead, and starts before the cluster does", async () => {
  const [seed] = redis.nodes.slice(-1);
  const port = seed === undefined ? "" : new URL(seed.url).port;
  const node = nodeAt(`redis+cluster://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:${port}`);
  await publishUntilStored(node, draftOf("1"));
  for (let partition = 0; partition < partitions; partition++) await until(isUp(node, partition));
  const early = nodeAt("redis+cluster://127.0.0.1:1");
  expect(await codeOf(early.broker.publish(draftOf("1"), keep))).toBe("BROKER_UNAVAILABLE");
});

test("a node with another number of partitions is refused before it writes anything, and told the right one", async () => {
  const node = await nodeWithChannels();
  const lines: string[] = [];
  const log: Log = { info() {}, warn: (_fields, message) => void lines.push(message) };
  const other = nodeAt(`${redis.url}?partitions=16`, log);
  for (const ask of [
    () => other.broker.publish(draftOf("1"), keep),
    () => other.broker.open(channels),
    () => other.broker.renew(channels[0] ?? expect.fail(), "x"),
  ]) {
    const refusal = await lastingRefusal(ask);
    expect(refusal).toMatchObject({ code: "SETTINGS_INVALID", message: expect.stringContaining("?partitions=8") as string });
  }
  expect(lines).toContain("the cluster has another number of partitions");
  const tops = await node.broker.open(channels);
  expect(tops.map(({ offset }) => offset)).toEqual(Array(partitions).fill(1));
});

test("a topic of no partition is said and heard where stock nodes look for it", async () => {
  const [one, other] = [nodeAt(), nodeAt()];
  const heard: string[] = [];
  one.pubSub.onMessage((topic, message) => void heard.push(`${topic} ${Buffer.from(message)}`));
  await one.pubSub.subscribe("c#/#");
  await until(async () => codeOf(other.pubSub.publish("c#/#", Buffer.from("ours"))));
  await (await redis.primaryOf("c#/#")).cli("spublish", "c#/#", "theirs");
  await until(() => (heard.length < 2 ? `heard only ${heard}` : undefined));
  expect(heard).toEqual(["c#/# ours", "c#/# theirs"]);
  expect(await other.pubSub.subscribers("c#/#")).toBe(1);
});

/** The first refusal of something that is tried again and again. */
async function firstRefusal(ask: () => Promise<string | undefined>): Promise<string> {
  let code: string | undefined;
  await until(async () => {
    code = await ask();
    return code === undefined ? "not refused" : undefined;
  });
  return code ?? "";
}

/** The first refusal that is not about a connection that is not there yet. */
async function lastingRefusal(ask: () => Promise<unknown>): Promise<unknown> {
  let refusal: unknown;
  await until(async () => {
    refusal = await ask().then(
      () => expect.fail("it was answered"),
      (thrown: unknown) => thrown,
    );
    return (refusal as { code?: string }).code === "BROKER_UNAVAILABLE" ? "still unavailable" : undefined;
  });
  return refusal;
}

/** What redis-cli --cluster reshard does with a slot. */
async function moveSlot(key: string, from: TestRedis, to: TestRedis): Promise<void> {
  const slot = String(await from.cli("cluster", "keyslot", key));
  const [fromId, toId] = [String(await from.cli("cluster", "myid")), String(await to.cli("cluster", "myid"))];
  await to.cli("cluster", "setslot", slot, "importing", fromId);
  await from.cli("cluster", "setslot", slot, "migrating", toId);
  for (;;) {
    const keys = (await from.cli("cluster", "getkeysinslot", slot, "100")) as string[];
    if (keys.length === 0) break;
    await from.cli("migrate", "127.0.0.1", new URL(to.url).port, "", "0", "5000", "keys", ...keys);
  }
  await to.cli("cluster", "setslot", slot, "node", toId);
  await from.cli("cluster", "setslot", slot, "node", toId);
}
