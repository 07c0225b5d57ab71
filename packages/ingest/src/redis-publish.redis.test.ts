import { randomBytes } from "node:crypto";

import { systemClock } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { startRedis, type TestRedis, until } from "@fanfare/test-support";
import { Emitter } from "@socket.io/redis-emitter";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { sourceContract } from "../contract/source.contract.ts";
import { Pump } from "./pump.ts";
import { redisEmitter } from "./redis-emitter.ts";
import { redisPattern } from "./redis-pattern.ts";
import { type RedisPublishKind, RedisPublishSource } from "./redis-publish.ts";
import { GatedBroker, rules } from "./testing/gated-broker.ts";
import { clientOn, commandsOn, targetOf } from "./testing/redis.ts";

const log = createLog({ name: "test", level: "silent" });
let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

function open(kind: RedisPublishKind, leaseKey: string): RedisPublishSource {
  const target = targetOf(redis);
  const worker = randomBytes(4).toString("hex");
  const commands = commandsOn(target);
  const metrics = createMetrics({ app: "ingest" });
  return new RedisPublishSource(kind, { target, leaseKey, worker, commands, metrics, log, clock: systemClock });
}

describe("PUBLISH on a pattern", () => {
  sourceContract(async () => {
    const producer = clientOn(redis);
    const prefix = `app-${randomBytes(4).toString("hex")}_`;
    return {
      open: () => open(redisPattern(`${prefix}*`), `${prefix}lease`),
      async send(channel, numbers) {
        const batch = producer.pipeline();
        for (const number of numbers) batch.publish(`${prefix}${channel}`, String(number));
        await batch.exec();
      },
      sendPoison: () => producer.publish(`${prefix}a`, "{").then(() => undefined),
      handsOverMax: 10_000,
      redelivers: false,
      knowsLag: false,
      close: async () => producer.disconnect(),
    };
  }, until);
});

describe("messages", () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function workers(kind: RedisPublishKind, count: number): Promise<{ gate: GatedBroker; producer: Redis }> {
    const gate = new GatedBroker();
    const leaseKey = `lease-${randomBytes(4).toString("hex")}`;
    for (let made = 0; made < count; made++) {
      const source = open(kind, leaseKey);
      const metrics = createMetrics({ app: "ingest" });
      const pump = new Pump({ source, broker: gate, rules, metrics, log, clock: systemClock });
      await pump.start();
      ends.push(() => pump.drain(1_000));
    }
    const producer = clientOn(redis);
    ends.push(() => producer.disconnect());
    return { gate, producer };
  }

  test("a Laravel broadcast arrives under its own event, in the channel behind the prefix", async () => {
    const { gate, producer } = await workers(redisPattern("laravel_database_*"), 1);
    const data = '{"id":9007199254740993}';
    await producer.publish("laravel_database_orders", `{"event":"App\\\\Events\\\\OrderShipped","data":${data},"socket":null}`);
    await until(() => (gate.publications("orders").length === 1 ? undefined : "it did not come"));
    expect(gate.publications("orders")).toMatchObject([{ event: "App\\Events\\OrderShipped", payload: { json: data } }]);
  });

  test("of two workers that hear the same message one publishes it", async () => {
    const { gate, producer } = await workers(redisPattern("app_*"), 2);
    for (let number = 1; number <= 50; number++) await producer.publish("app_a", String(number));
    await until(() => (gate.heard("a").length >= 50 ? undefined : "not all came"));
    expect(gate.heard("a")).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  test("what a stock emitter sends to rooms is stored in the channels of those names", async () => {
    const { gate, producer } = await workers(redisEmitter("socket.io"), 1);
    const emitter = new Emitter(producer);
    emitter.to("news").emit("headline", { title: "Ünïcode" }, "second argument");
    emitter.to(["news", "public:sports"]).emit("headline", Buffer.from("binary"));
    emitter.emit("to nobody in particular", 1);
    emitter.to("news").emit("last");
    await until(() => (gate.publications("news").length === 3 ? undefined : "not all came"));
    const binary = { event: "headline", payload: { json: '{"base64":"YmluYXJ5"}', binary: true } };
    expect(gate.publications("news")).toMatchObject([
      { event: "headline", payload: { json: '{"title":"Ünïcode"}', binary: false } },
      binary,
      { event: "last", payload: { json: "null" } },
    ]);
    expect(gate.publications("public:sports")).toMatchObject([binary]);
  });

  test("garbage on an emitter's channel disturbs nothing", async () => {
    const { gate, producer } = await workers(redisEmitter("socket.io"), 1);
    for (const garbage of ["", "x", "{}", Buffer.alloc(100, 0xff), Buffer.from("c1", "hex"), Buffer.from("93c0c0c0", "hex")]) {
      await producer.publish("socket.io#/#news#", garbage);
    }
    new Emitter(producer).to("news").emit("headline", 1);
    await until(() => (gate.publications("news").length === 1 ? undefined : "it did not come"));
  });
});
