import { freePort, promised, until } from "@fanfare/test-support";
import { describe, expect, test } from "vitest";
import { answeredWithinMs, draftOf, isUp, keep, news, publishUntilStored, useRedis } from "../test/node.ts";

// A rejection that nobody handles fails a vitest run by itself, so every test here also shows that there is none.

const { redisWith, proxyTo, nodeAt } = useRedis();

describe("when answers get lost", () => {
  test("a publish is refused in time, and its retry with the same id finds what was stored", async () => {
    const redis = await redisWith({ port: true });
    const proxy = await proxyTo(redis);
    const node = nodeAt(`redis://127.0.0.1:${proxy.port}`);
    await node.broker.ping();
    proxy.holeReplies();
    const asked = performance.now();
    const drafts = Array.from({ length: 20 }, (_, number) => draftOf(String(number), { id: String(number) }));
    const outcomes = await Promise.allSettled(drafts.map((draft) => node.broker.publish(draft, keep)));
    expect(performance.now() - asked).toBeLessThan(promised(answeredWithinMs));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "BROKER_UNAVAILABLE" } });
    }
    for (const draft of drafts) await publishUntilStored(node, draft);
    const { publications } = await node.broker.read(news, { from: "end", limit: 100 }, keep);
    expect(publications.map(({ id }) => id)).toEqual(drafts.map(({ id }) => id));
  });

  test("because the connection was cut, a publish is refused at once: nothing more can come", async () => {
    const redis = await redisWith({ port: true });
    const proxy = await proxyTo(redis);
    const node = nodeAt(`redis://127.0.0.1:${proxy.port}`);
    // So that Redis knows the script: what it answers from now on does not arrive.
    await node.broker.publish(draftOf("0"), keep);
    proxy.holeReplies();
    const asked = performance.now();
    const refusal = node.broker.publish(draftOf("1"), keep).catch((thrown: { code?: string }) => thrown.code);
    await until(async () => ((await redis.cli("xlen", "c:{0}:log:news")) === 2 ? undefined : "not yet stored"));
    proxy.reset();
    expect(await refusal).toBe("BROKER_UNAVAILABLE");
    expect(performance.now() - asked).toBeLessThan(promised(1_000));
    // And it is not sent again over the next connection.
    await until(() =>
      node.broker.ping().then(
        () => undefined,
        () => "still away",
      ),
    );
    expect(await node.broker.open([news])).toMatchObject([{ offset: 2 }]);
  });

  test("because connections are reset again and again, retried publications are still stored once each", async () => {
    const redis = await redisWith({ port: true });
    const proxy = await proxyTo(redis);
    const node = nodeAt(`redis://127.0.0.1:${proxy.port}`);
    await node.broker.ping();
    const drafts = Array.from({ length: 400 }, (_, number) => draftOf(String(number), { id: String(number) }));
    let done = 0;
    const publishing = Promise.all(
      drafts.map(async (draft, index) => {
        // Spread, so that each reset meets some of them.
        await until(() => (done >= index - 40 ? undefined : `${done} are done`), 15_000);
        await publishUntilStored(node, draft);
        done++;
      }),
    );
    for (let at = 50; at < drafts.length; at += 50) {
      await until(() => (done >= at ? undefined : `${done} are done`), 15_000);
      proxy.reset();
    }
    await publishing;
    const { publications } = await node.broker.read(news, { from: "end", limit: 1_000 }, keep);
    expect(publications.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual(drafts.map((_, index) => index));
    expect(proxy.connections).toBeGreaterThan(8);
  });
});

test("a primary that has become a replica is unavailable, and its successor is looked for by a new connection", async () => {
  const redis = await redisWith({ port: true });
  const proxy = await proxyTo(redis);
  const node = nodeAt(`redis://127.0.0.1:${proxy.port}`);
  await until(isUp(node));
  await node.broker.publish(draftOf("1"), keep);
  const connections = proxy.connections;
  await redis.cli("replicaof", "127.0.0.1", String(await freePort()));
  await expect(node.broker.publish(draftOf("2"), keep)).rejects.toMatchObject({ code: "BROKER_UNAVAILABLE" });
  await until(() => (proxy.connections > connections ? undefined : "still the same connections"));
  await redis.cli("replicaof", "no", "one");
  await publishUntilStored(node, draftOf("2"));
});
