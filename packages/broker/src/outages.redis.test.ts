import { promised, until } from "@fanfare/test-support";
import { describe, expect, test } from "vitest";
import {
  draftOf,
  expectAnswers,
  expectUnavailable,
  isDown,
  isUp,
  keep,
  news,
  publishUntilStored,
  topicOf,
  useRedis,
} from "../test/node.ts";
import type { Log } from "./log.ts";

// A rejection that nobody handles fails a vitest run by itself, so every test here also shows that there is none.

const newsTopic = topicOf(news, { partitions: 1 });
const { redisWith, proxyTo, nodeAt } = useRedis();

test("a node that starts before Redis answers no in time, waits with its subscriptions, and heals when Redis comes", async () => {
  const redis = await redisWith({ port: true });
  await redis.kill();
  const node = nodeAt(redis.url);
  let subscribed = false;
  const subscription = node.pubSub.subscribe(newsTopic).then(() => {
    subscribed = true;
  });
  await expectUnavailable(node);
  expect(subscribed).toBe(false);
  expect(node.links).toEqual([]);

  await redis.restart();
  await subscription;
  await until(isUp(node));
  await expectAnswers(node);
  await until(() => (node.heard.length > 0 ? undefined : "heard nothing"));
});

describe("when Redis dies", () => {
  test("every verb says no in time, and afterwards all goes on where it was, if Redis has kept its data", async () => {
    const redis = await redisWith({ appendOnly: true });
    const node = nodeAt(redis.url);
    await node.pubSub.subscribe(newsTopic);
    await until(isUp(node));
    await node.broker.publish(draftOf("1"), keep);
    const [before] = await node.broker.open([news]);

    await redis.kill();
    await until(isDown(node));
    await expectUnavailable(node);
    await redis.restart();
    await until(isUp(node));
    await publishUntilStored(node, draftOf("2", { id: "2" }));

    expect(await node.broker.open([news])).toMatchObject([{ epoch: before?.epoch, offset: 2 }]);
    await until(() => (node.heard.length < 2 ? `heard only ${node.heard}` : undefined));
    expect(node.heard).toEqual([1, 2]);
    expect(node.links).toEqual(["up", "down", "up"]);
  });

  test("and has lost its data, channels have new epochs and count from 1", async () => {
    const redis = await redisWith();
    const node = nodeAt(redis.url);
    await node.broker.publish(draftOf("1"), keep);
    const [before] = await node.broker.open([news]);
    await redis.restart();
    await publishUntilStored(node, draftOf("2", { id: "2" }));
    const [after] = await node.broker.open([news]);
    expect(after?.offset).toBe(1);
    expect(after?.epoch).not.toBe(before?.epoch);
    expect(after?.seq).toBeGreaterThan(before?.seq ?? 0);
  });

  test("the log says it once for each connection, and once that it is back", async () => {
    const lines: string[] = [];
    const log: Log = {
      info: (_fields, message) => void lines.push(`info ${message}`),
      warn: (_fields, message) => void lines.push(`warn ${message}`),
    };
    const redis = await redisWith();
    const node = nodeAt(redis.url, log);
    await until(isUp(node));
    lines.length = 0;
    await redis.kill();
    await expectUnavailable(node);
    await redis.restart();
    await until(isUp(node));
    await expectAnswers(node);
    expect(lines.sort()).toEqual([
      "info redis is there",
      "info redis is there",
      "info redis is there",
      "info subscribing",
      "warn redis is away",
      "warn redis is away",
      "warn redis is away",
    ]);
  });
});

test("while Redis is frozen every verb says no in time, and once it thaws all goes on", async () => {
  const redis = await redisWith();
  const node = nodeAt(redis.url);
  await node.pubSub.subscribe(newsTopic);
  await until(isUp(node));
  redis.pause();
  try {
    // Once over the connection that freezes, once while a new one is not greeted.
    await expectUnavailable(node);
    await expectUnavailable(node);
  } finally {
    redis.resume();
  }
  await publishUntilStored(node, draftOf('"end"', { id: "end" }));
  const { publications } = await node.broker.read(news, { from: "end", limit: 100 }, keep);
  expect(publications.filter(({ id }) => id === "end").length).toBe(1);
  await until(isUp(node));
});

describe("when the subscriber connection is killed", () => {
  test("the link goes down and comes up again, and what is announced from then on is heard", async () => {
    const redis = await redisWith();
    const node = nodeAt(redis.url);
    await node.pubSub.subscribe(newsTopic);
    await until(isUp(node));
    for (let turn = 0; turn < 3; turn++) {
      await redis.cli("client", "kill", "type", "pubsub");
      await until(() => (node.links.length >= 3 + 2 * turn ? isUp(node)() : `only ${node.links}`));
      await node.broker.publish(draftOf("1"), keep);
      await until(() => (node.heard.length > turn ? undefined : `heard only ${node.heard}`));
    }
    expect(node.heard).toEqual([1, 2, 3]);
    expect(node.links).toEqual(["up", "down", "up", "down", "up", "down", "up"]);
  });

  test("the link is up only when Redis has all topics again", async () => {
    const redis = await redisWith();
    const node = nodeAt(redis.url);
    const topics = Array.from({ length: 3_000 }, (_, number) => `t${number}{0}`);
    await Promise.all(topics.map((topic) => node.pubSub.subscribe(topic)));
    await until(isUp(node));
    const missing: Promise<number>[] = [];
    node.pubSub.onLink((link) => {
      if (link === "up") missing.push(countMissing());
    });
    const countMissing = async (): Promise<number> => {
      const counts = await Promise.all(topics.map((topic) => node.pubSub.subscribers(topic)));
      return counts.filter((count) => count !== 1).length;
    };
    await until(() => (missing.length === 1 ? undefined : "not yet told that it is up"));
    // Counted before the connection is killed, or the first count would see the second one's gap.
    await missing[0];
    await redis.cli("client", "kill", "type", "pubsub");
    await until(() => (missing.length === 2 ? undefined : "not up again"));
    expect(await Promise.all(missing)).toEqual([0, 0]);
  });

  test("a subscription that was on its way is made on the next connection", async () => {
    const redis = await redisWith();
    const node = nodeAt(redis.url);
    await node.pubSub.subscribe(newsTopic);
    await until(isUp(node));
    const topics = Array.from({ length: 50 }, (_, number) => `t${number}{0}`);
    const killed = redis.cli("client", "kill", "type", "pubsub");
    // Begun one turn after another, so that some are on their way when the connection is cut.
    const subscriptions: Promise<void>[] = [];
    for (const topic of topics) {
      subscriptions.push(node.pubSub.subscribe(topic));
      await new Promise(setImmediate);
    }
    await Promise.all([killed, ...subscriptions]);
    await until(() => (node.links.length === 3 ? undefined : `only ${node.links}`));
    for (const topic of topics) expect(await node.pubSub.subscribers(topic)).toBe(1);
  });
});

test("a subscriber connection that is dead without anybody having been told is found out and replaced", async () => {
  const redis = await redisWith({ port: true });
  const proxy = await proxyTo(redis);
  const node = nodeAt(`redis://127.0.0.1:${proxy.port}`);
  const publisher = nodeAt(redis.url);
  await node.pubSub.subscribe(newsTopic);
  await until(isUp(node));
  proxy.holeReplies();
  const holedAt = performance.now();
  await publisher.broker.publish(draftOf("1"), keep);
  await until(isDown(node), 6_000);
  await until(isUp(node));
  expect(performance.now() - holedAt).toBeLessThan(promised(6_000));
  expect(node.heard).toEqual([]);
  await publisher.broker.publish(draftOf("2"), keep);
  await until(() => (node.heard.length > 0 ? undefined : "heard nothing"));
  expect(node.heard).toEqual([2]);
});
test("a wrong password is an unavailable broker, said in the log, and not the end of anything", async () => {
  const redis = await redisWith({ port: true, args: ["--requirepass", "right"] });
  const reasons: unknown[] = [];
  const log: Log = { info() {}, warn: (fields) => void reasons.push(fields) };
  const node = nodeAt(redis.url.replace("redis://", "redis://:wrong@"), log);
  await expectUnavailable(node);
  expect(JSON.stringify(reasons)).toContain("WRONGPASS");
  expect(JSON.stringify(reasons)).not.toContain("wrong@");
  const wellNode = nodeAt(redis.url.replace("redis://", "redis://:right@"));
  await until(isUp(wellNode));
  await expectAnswers(wellNode);
});

test("a backend that is closed answers no at once, also while Redis is away", async () => {
  const redis = await redisWith();
  const node = nodeAt(redis.url);
  await until(isUp(node));
  const onItsWay = node.broker.publish(draftOf("1"), keep).catch((thrown: { code?: string }) => thrown.code);
  await node.close();
  await node.close();
  await onItsWay;
  await expectUnavailable(node);
  const away = nodeAt("redis+unix:///nowhere/redis.sock");
  const waiting = away.broker.ping().catch((thrown: { code?: string }) => thrown.code);
  await away.close();
  expect(await waiting).toBe("BROKER_UNAVAILABLE");
});
