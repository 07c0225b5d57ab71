import { promised, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

const channel = "public:away";
/** SYSTEM's promise to publishers. */
const deadlineMs = 2_000;

describe("a Redis that keeps its data", () => {
  test.override({ clusterOptions: { redis: { appendOnly: true } } });

  test("while Redis is away every publish is refused in time with 503, nobody ends or is sent away, and then it works again", async ({
    cluster,
  }) => {
    const clients = await Promise.all([0, 1].map((node) => cluster.client({ via: cluster.gateway(node), channels: [channel] })));
    await cluster.publish(channel, "before");
    await cluster.redis.kill();

    const { rest } = cluster.admin(0);
    const tries = await Promise.all(
      Array.from({ length: 50 }, (_, n) => rest.call("POST", "/v1/publish", { channel, data: n, id: `away${n}` })),
    );
    for (const { status, headers, body, tookMs } of tries) {
      expect(status).toBe(503);
      expect(body).toMatchObject({ code: "BROKER_UNAVAILABLE", status: 503 });
      expect(headers["content-type"]).toContain("application/problem+json");
      expect(Number(headers["retry-after"])).toBeGreaterThanOrEqual(1);
      expect(tookMs).toBeLessThan(promised(deadlineMs));
    }
    const startedMs = performance.now();
    const answers = await Promise.all(
      clients.flatMap((client) => [
        client.request("publish", { channel, data: "no" }),
        client.request("subscribe", { channel: "public:new" }),
        client.request("history", { channel }),
      ]),
    );
    expect(performance.now() - startedMs).toBeLessThan(promised(deadlineMs + 500));
    for (const answer of answers) {
      expect(answer).toMatchObject({ ok: false, error: { code: "BROKER_UNAVAILABLE", retryAfterMs: 1_000 } });
    }
    expect((await rest.call("GET", "/healthz")).status).toBe(200);
    expect((await rest.call("GET", "/readyz")).status).toBe(503);
    await until(async () => {
      const states = await Promise.all(cluster.gateways.map(async ({ peerPort }) => (await readiness(peerPort)).status));
      return states.every((status) => status === 503) ? undefined : `ready: ${states}`;
    });
    // A client that comes now stays, and is subscribed as soon as Redis is back.
    const newcomer = await cluster.client({ via: cluster.gateway(0), channels: [channel], wait: false });
    await until(() => (newcomer.socket.connected ? undefined : "the newcomer is not connected"));

    await cluster.redis.restart();
    await cluster.publishUntilStored(channel, "after");
    await newcomer.welcomed();
    await cluster.publish(channel, "last");
    await until(() => {
      const heard = clients.map((client) => client.heard(channel));
      return heard.every((all) => all.at(-1) === "last") ? undefined : `heard ${JSON.stringify(heard)}`;
    });
    for (const client of clients) expect(client.heard(channel)).toEqual(["before", "after", "last"]);
    expect(newcomer.heard(channel).at(-1)).toBe("last");
    for (const client of [...clients, newcomer]) expect([client.connects, client.resets()]).toEqual([1, []]);
    for (const process of [...cluster.gateways, ...cluster.admins])
      expect([process.label, process.alive]).toEqual([process.label, true]);
    await until(async () => ((await rest.call("GET", "/readyz")).status === 200 ? undefined : "the admin is not ready again"));
  });

  test("a Redis that is frozen is one that is away: refused in time, and nothing doubles when it wakes", async ({ cluster }) => {
    const client = await cluster.client({ via: cluster.gateway(0), channels: [channel] });
    const { rest } = cluster.admin(0);
    cluster.redis.pause();
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, n) => rest.call("POST", "/v1/publish", { channel, data: n, id: `frozen${n}` })),
    );
    cluster.redis.resume();
    for (const { status, body, tookMs } of tries) {
      expect([status, body]).toEqual([503, expect.objectContaining({ code: "BROKER_UNAVAILABLE" })]);
      expect(tookMs).toBeLessThan(promised(deadlineMs));
    }
    // Redis has executed what it read before it fell asleep, or after it woke: the same ids tell.
    const acked = await Promise.all(
      Array.from({ length: 20 }, (_, n) => rest.publishUntilStored({ channel, data: n, id: `frozen${n}` })),
    );
    await until(() => (client.heard(channel).length >= 20 ? undefined : `heard ${client.heard(channel).length}`));
    await cluster.publish(channel, "last");
    await until(() => (client.heard(channel).at(-1) === "last" ? undefined : "the last one is missing"));
    const byOffset = [...acked].sort((a, b) => a.offset - b.offset).map(({ data }) => data);
    expect(client.heard(channel)).toEqual([...byOffset, "last"]);
    expect(byOffset).toHaveLength(20);
  });
});

function readiness(peerPort: number): Promise<Response> {
  return fetch(`http://127.0.0.1:${peerPort}/readyz`);
}
