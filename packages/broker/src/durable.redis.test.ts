import { promised, startRedis, type TestRedis, until } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { draftOf, keep, type Node, news, openNode, useCleanups } from "../test/node.ts";

const cleanup = useCleanups();

async function redisWith(...args: readonly string[]): Promise<TestRedis> {
  const redis = await startRedis({ port: true, args: ["--repl-diskless-sync-delay", "0", ...args] });
  cleanup(() => redis.stop());
  return redis;
}

async function replicaOf(primary: TestRedis): Promise<TestRedis> {
  const replica = await redisWith("--replicaof", `127.0.0.1 ${new URL(primary.url).port}`);
  await until(async () => (((await replica.cli("role")) as unknown[])[3] === "connected" ? undefined : "it does not follow"));
  return replica;
}

function nodeAt({ url }: TestRedis): Node {
  const node = openNode(url);
  cleanup(() => node.close());
  return node;
}

/** The time that a publication took, in ms, and how many replicas have it. */
async function durably(node: Node, json: string): Promise<[ms: number, replicas: number | undefined]> {
  const asked = performance.now();
  const outcome = await node.broker.publish(draftOf(json), keep, { durable: true });
  if (outcome.kind !== "stored") expect.fail(`it is a ${outcome.kind}`);
  return [performance.now() - asked, outcome.replicas];
}

test("a durable publication is on the replica when it is answered", async () => {
  const primary = await redisWith();
  const replica = await replicaOf(primary);
  const node = nodeAt(primary);
  let [stored, confirmed] = [0, 0];
  // A machine that is busy may let the wait run out: then the answer must not say that the replica has it.
  await until(async () => {
    const [, replicas] = await durably(node, "1");
    stored++;
    if (replicas === 1) {
      confirmed++;
      expect(await replica.cli("xlen", `c:{0}:log:${news}`)).toBe(stored);
    }
    return confirmed < 20 ? `only ${confirmed} of ${stored} were confirmed` : undefined;
  });
});

test("a replica that hangs is waited for a moment and not counted, and counts again once it goes on", async () => {
  const primary = await redisWith();
  const replica = await replicaOf(primary);
  const node = nodeAt(primary);
  await durably(node, "1");
  replica.pause();
  try {
    const [ms, replicas] = await durably(node, "2");
    expect(replicas).toBe(0);
    expect(ms).within(150, 1_000);
  } finally {
    replica.resume();
  }
  await until(async () => ((await durably(node, "3"))[1] === 1 ? undefined : "not counted yet"));
});

test("hundreds at once share their waits where there is no replica, and nobody else waits with them", async () => {
  const primary = await redisWith();
  const node = nodeAt(primary);
  await durably(node, "0");
  const asked = performance.now();
  const durable = Promise.all(Array.from({ length: 300 }, (_, number) => durably(node, String(number))));
  for (let turn = 0; turn < 20; turn++) await node.broker.publish(draftOf("1"), keep);
  // 20 round trips: behind a single WAIT they would take 200 ms more.
  expect(performance.now() - asked).toBeLessThan(promised(200));
  const answers = await durable;
  expect(answers.map(([, replicas]) => replicas)).toEqual(Array(300).fill(0));
  expect(performance.now() - asked).toBeLessThan(promised(1_500));
});

test("no node that never publishes durably has a connection for it", async () => {
  const primary = await redisWith();
  const node = nodeAt(primary);
  const names = async (): Promise<string[]> =>
    [...String(await primary.cli("client", "list")).matchAll(/ name=(fanfare-\w+)/g)].map(([, name = ""]) => name).sort();
  await node.broker.publish(draftOf("1"), keep);
  await until(async () => ((await names()).length === 2 ? undefined : "not connected yet"));
  expect(await names()).toEqual(["fanfare-commands", "fanfare-subscriber"]);
  await durably(node, "1");
  expect(await names()).toEqual(["fanfare-commands", "fanfare-durable", "fanfare-subscriber"]);
});
