import { readFileSync } from "node:fs";
import { startClusterOn, startRedis, type TestRedis, until } from "@fanfare/test-support";
import { Emitter } from "@socket.io/redis-emitter";
import { Redis } from "ioredis";
import { expect, test } from "vitest";

const file = new URL("../../infra/redis/fanfare.acl", import.meta.url);
const lines = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line !== "");
const passwords = { fanfare: "CHANGE-ME-fanfare", "fanfare-ingest": "CHANGE-ME-ingest", emitter: "CHANGE-ME-emitter" } as const;

/** A redis-server with the users of the file. */
async function redisWithUsers(): Promise<{ redis: TestRedis; urlOf: (user: keyof typeof passwords) => string }> {
  const redis = await startRedis({ port: true });
  for (const line of lines) await redis.cli("acl", "setuser", ...line.split(" ").slice(1));
  const { port } = new URL(redis.url);
  return { redis, urlOf: (user) => `redis://${user}:${passwords[user]}@127.0.0.1:${port}` };
}

test("all parts of Fanfare do all of their work as the users of the file, and those can do no more", async ({ onTestFailed }) => {
  const { redis, urlOf } = await redisWithUsers();
  const env = { FANFARE_EMITTER_LOG: "off" };
  const cluster = await startClusterOn({ url: urlOf("fanfare"), stop: () => redis.stop() }, { gateways: 2, env });
  const clients: Redis[] = [];
  const as = (user: keyof typeof passwords): Redis => {
    const client = new Redis(urlOf(user), { retryStrategy: null });
    clients.push(client);
    return client;
  };
  onTestFailed(() => console.error(cluster.log()));
  try {
    await cluster.addIngest({
      FANFARE_REDIS_URL: urlOf("fanfare-ingest"),
      FANFARE_STREAM_KEY: "ingest:orders",
      FANFARE_ZMQ_BIND: "",
    });
    const ada = await cluster.client({ channels: ["public:a"] });
    await cluster.publish("public:a", "rest");
    await ada.request("publish", { channel: "public:a", data: "client" });
    await as("fanfare-ingest").xadd("ingest:orders", "*", "channel", "public:a", "data", '"stream"');
    await until(() => (ada.heard("public:a").length === 3 ? undefined : `heard ${ada.heard("public:a")}`));
    expect(ada.heard("public:a")).toEqual(["rest", "client", "stream"]);
    new Emitter(as("emitter")).to("public:a").emit("headline", { from: "emitter" });
    await until(() => (ada.notices.some(({ name }) => name === "headline") ? undefined : "the emitter was not heard"));
    for (const path of [
      "/v1/nodes",
      "/v1/channels",
      "/v1/channels/public:a",
      "/v1/channels/public:a/history",
      "/v1/connections",
    ]) {
      expect([path, (await cluster.admin(0).rest.call("GET", path)).status]).toEqual([path, 200]);
    }
    // A node ends, its client goes on elsewhere.
    const [first] = cluster.gateways;
    if (first !== undefined) await cluster.kill(first, "SIGKILL");
    await cluster.publish("public:a", "after");
    await until(() => (ada.heard("public:a").at(-1) === "after" ? undefined : "not heard after the kill"), 30_000);

    const refused = async (user: keyof typeof passwords, command: string, ...args: string[]): Promise<void> => {
      const answer = await as(user)
        .call(command, ...args)
        .catch((error: Error) => error.message);
      expect([user, command, ...args, answer]).toEqual([user, command, ...args, expect.stringMatching(/^NOPERM/)]);
    };
    for (const user of ["fanfare", "fanfare-ingest", "emitter"] as const) {
      for (const command of [
        ["flushall"],
        ["config", "get", "*"],
        ["keys", "*"],
        ["get", "other"],
        ["set", "other", "1"],
        ["publish", "other", "1"],
        ["acl", "list"],
        ["client", "kill", "type", "normal"],
        ["monitor"],
        ["script", "flush"],
        ["psubscribe", "*"],
        ["subscribe", "other"],
        ["replicaof", "no", "one"],
        ["shutdown"],
        ["eval", "return redis.call('GET', 'other')", "0"],
      ] as [string, ...string[]][]) {
        const [name, ...args] = command;
        if (name === "eval" && user !== "emitter") {
          const answer = await as(user)
            .call(name, ...args)
            .catch((error: Error) => error.message);
          expect(answer).toMatch(/can't access|NOPERM|permission/i);
        } else await refused(user, name, ...args);
      }
    }
    for (const command of [
      ["publish", "fanfare#/#{0}public:a#", "forged"],
      ["spublish", "fanfare#/#{0}public:a#", "forged"],
      ["get", "fanfare:{0}:seq"],
      ["subscribe", "socket.io#/#public:a#"],
    ] as [string, ...string[]][]) {
      await refused("emitter", ...command);
    }
    await refused("fanfare-ingest", "subscribe", "fanfare#/#{0}public:a#");
    const anonymous = new Redis(redis.url, { retryStrategy: null });
    clients.push(anonymous);
    await expect(anonymous.ping()).rejects.toThrow(/NOAUTH|WRONGPASS/);
  } finally {
    for (const client of clients) client.disconnect();
    await cluster.stop();
  }
});
