import { promised, startSentinel, type TestRedis, type TestSentinel, until } from "@fanfare/test-support";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  codeOf,
  draftOf,
  expectAnswers,
  expectUnavailable,
  isDown,
  isUp,
  keep,
  type Node,
  news,
  openNode,
  publishUntilStored,
  topicOf,
} from "../test/node.ts";

// Each test breaks it, so each has its own.

let sentinel: TestSentinel;
let node: Node;
beforeEach(async () => {
  sentinel = await startSentinel();
  node = openNode(sentinel.url);
  await node.pubSub.subscribe(topicOf(news, node.broker));
  await until(isUp(node));
}, 40_000);
afterEach(async () => {
  await node.close();
  await sentinel.stop();
});

const serverAt = (index: number): TestRedis => sentinel.servers[index] ?? expect.fail("no such server");

/** The present top of {@link news}. */
async function top(): Promise<{ readonly epoch: string; readonly offset: number; readonly seq: number }> {
  const [found] = await node.broker.open([news]);
  return found ?? expect.fail("there is no answer");
}

describe("when the primary of a Sentinel is killed", () => {
  test("every verb says no in time, and soon all goes on at the replica: links, subscriptions and logs", async () => {
    for (const json of ["1", "2", "3"]) await node.broker.publish(draftOf(json), keep, { durable: true });
    const before = await top();
    await serverAt(0).kill();
    const killedAt = performance.now();
    await until(isDown(node));
    await expectUnavailable(node);

    await publishUntilStored(node, draftOf("4", { id: "4" }), 10_000);
    await until(isUp(node));
    expect(performance.now() - killedAt).toBeLessThan(promised(6_000));
    expect(await sentinel.primary()).toBe(serverAt(1));
    expect(await top()).toMatchObject({ epoch: before.epoch, offset: 4 });
    const { publications } = await node.broker.read(news, { from: "after", offset: 0, limit: 4 }, keep);
    expect(publications.map(({ payload }) => payload.json)).toEqual(["1", "2", "3", "4"]);
    expect(node.links.slice(0, 3)).toEqual(["up", "down", "up"]);
    await expectAnswers(node);
    const heardBefore = node.heard.length;
    await node.broker.publish(draftOf('"end"'), keep);
    await until(() => (node.heard.length > heardBefore ? undefined : "the end is not heard"));
  });
});

test("when the primary hangs, the node leaves it as soon as the sentinels have chosen another one", async () => {
  await node.broker.publish(draftOf("1"), keep, { durable: true });
  serverAt(0).pause();
  try {
    await publishUntilStored(node, draftOf("2", { id: "2" }), 15_000);
    await until(isUp(node), 10_000);
    expect(await sentinel.primary()).toBe(serverAt(1));
    expect(await top()).toMatchObject({ offset: 2 });
  } finally {
    serverAt(0).resume();
  }
  // For some seconds it still takes itself for the primary.
  expect(((await serverAt(0).cli("role")) as unknown[])[0]).toBe("master");
  const { offset } = await top();
  expect(await codeOf(node.broker.publish(draftOf("3"), keep))).toBeUndefined();
  await until(() => (node.heard.at(-1) === offset + 1 ? undefined : `heard only ${node.heard}`));
});

describe("when a replica takes over that had not heard everything", () => {
  /** Stores 1 and 2 on both and 3 to 5 on the primary only, which then dies. */
  async function loseThree(): Promise<{ readonly lost: number; readonly frontier: number; readonly epoch: string }> {
    for (const json of ["1", "2"]) await node.broker.publish(draftOf(json), keep, { durable: true });
    // It follows an address where nobody is.
    await serverAt(1).cli("replicaof", "127.0.0.1", "1");
    for (const json of ["3", "4", "5"]) await node.broker.publish(draftOf(json), keep);
    const { seq, epoch } = await top();
    const frontier = await node.broker.frontier(0);
    await serverAt(0).kill();
    await until(async () => ((await sentinel.primary()) === serverAt(1) ? undefined : "no other primary"), 15_000);
    await until(() => codeOf(node.broker.ping()), 10_000);
    return { lost: seq, frontier, epoch };
  }

  test("the broker stands lower than what was heard: top and frontier both show it", async () => {
    const { frontier, epoch } = await loseThree();
    expect(await top()).toMatchObject({ epoch, offset: 2 });
    expect(await node.broker.frontier(0)).toBeLessThan(frontier);
  });

  test("offsets that are issued twice have other seqs, and predecessors that nobody heard", async () => {
    const { lost, epoch } = await loseThree();
    const { seq: kept } = await top();
    await node.broker.publish(draftOf('"another 3"'), keep);
    const { publications, top: now } = await node.broker.read(news, { from: "after", offset: 2, limit: 10 }, keep);
    expect(publications).toMatchObject([{ epoch, offset: 3, previous: kept, payload: { json: '"another 3"' } }]);
    expect(now.seq).toBeGreaterThan(lost);
  });

  test("a renewed channel has an epoch that nobody can mistake, and what was lost is refused no more", async () => {
    const { epoch, lost } = await loseThree();
    const renewed = await node.broker.renew(news, epoch);
    expect(renewed).toMatchObject({ offset: 0 });
    expect(renewed.epoch).not.toBe(epoch);
    const outcome = await node.broker.publish(draftOf("3", { id: "3" }), keep);
    expect(outcome).toMatchObject({ kind: "stored", position: { epoch: renewed.epoch, offset: 1 } });
    expect((await top()).seq).toBeGreaterThan(lost);
  });
});
