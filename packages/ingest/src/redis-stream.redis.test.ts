import { randomBytes } from "node:crypto";

import { systemClock } from "@fanfare/domain";
import { createLog } from "@fanfare/telemetry";
import { startRedis, type TestRedis, until } from "@fanfare/test-support";
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { sourceContract } from "../contract/source.contract.ts";
import { RedisStreamSource } from "./redis-stream.ts";
import { commandsOn, targetOf } from "./testing/redis.ts";

const log = createLog({ name: "test", level: "silent" });
let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

sourceContract(async () => {
  const target = targetOf(redis);
  const producer = new Redis(target);
  const key = `events-${randomBytes(4).toString("hex")}`;
  return {
    open() {
      const [reader, writer] = [commandsOn(target), commandsOn(target)];
      const worker = randomBytes(4).toString("hex");
      return new RedisStreamSource({ key, group: "test", worker, reader, writer, log, clock: systemClock });
    },
    async send(channel, numbers) {
      const batch = producer.pipeline();
      for (const number of numbers) batch.xadd(key, "*", "channel", channel, "data", String(number));
      await batch.exec();
    },
    sendPoison: () => producer.xadd(key, "*", "channel", "not a channel", "data", "1").then(() => undefined),
    async dead() {
      const entries = await producer.xrange(`${key}:dead`, "-", "+");
      return entries.map(([, fields]) => fields[fields.indexOf("fanfare-reason") + 1] ?? "");
    },
    handsOverMax: 0,
    redelivers: true,
    knowsLag: true,
    close: async () => producer.disconnect(),
  };
}, until);
