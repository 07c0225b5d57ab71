import {
  brokerContract,
  deliveriesContract,
  directoryContract,
  lifecycleContract,
  presenceContract,
  pubSubContract,
  quotasContract,
  receiptsContract,
  registryContract,
  revocationsContract,
  scheduleContract,
  sessionsContract,
} from "@fanfare/domain/contract";
import { startRedis, type TestRedis } from "@fanfare/test-support";
import { afterAll, beforeAll, describe } from "vitest";
import { quiet } from "../test/quiet.ts";
import { Commands } from "./commands.ts";
import type { PubSubKind } from "./pub-sub-kind.ts";
import { RedisBroker } from "./redis-broker.ts";
import { RedisDeliveries } from "./redis-deliveries.ts";
import { RedisDirectory } from "./redis-directory.ts";
import { RedisLifecycleLog } from "./redis-lifecycle.ts";
import { openPartition, type RedisPartition } from "./redis-partition.ts";
import { RedisPresence } from "./redis-presence.ts";
import { RedisPubSub } from "./redis-pub-sub.ts";
import { RedisQuotas } from "./redis-quotas.ts";
import { RedisReceipts } from "./redis-receipts.ts";
import { RedisRegistry } from "./redis-registry.ts";
import { RedisRevocations } from "./redis-revocations.ts";
import { RedisSchedule } from "./redis-schedule.ts";
import { RedisSessions } from "./redis-sessions.ts";
import { parseRedisUrl } from "./redis-url.ts";

let redis: TestRedis;
let worlds = 0;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** A cluster of its own is as empty as a Redis of its own. */
const newCluster = (): string => `test${++worlds}`;

describe.each<PubSubKind>(["sharded", "classic"])("on Redis with %s pub/sub", (kind) => {
  brokerContract(async ({ idLifeMs } = {}) => {
    const target = parseRedisUrl(redis.url);
    const cluster = newCluster();
    const partitions = [openPartition(target, quiet), openPartition(target, quiet)] as const;
    const options = { cluster, kind, ...(idLifeMs === undefined ? {} : { idLifeMs }) };
    const pubSub = new RedisPubSub({ target, commands: partitions[0].commands, log: quiet, kind });
    const brokerOn = (partition: RedisPartition): RedisBroker => new RedisBroker({ ...options, partitions: [partition] });
    const brokers = [brokerOn(partitions[0]), brokerOn(partitions[1])] as const;
    return {
      cluster,
      brokers,
      pubSub,
      async close() {
        await pubSub.close();
        for (const broker of brokers) await broker.close();
      },
    };
  });

  presenceContract(async () => {
    const target = parseRedisUrl(redis.url);
    const cluster = newCluster();
    const partitions = [openPartition(target, quiet)] as const;
    const pubSub = new RedisPubSub({ target, commands: partitions[0].commands, log: quiet, kind });
    const presenceOn = (): RedisPresence => new RedisPresence({ cluster, partitions, kind });
    await pubSub.subscribe("ready{0}");
    return {
      cluster,
      presences: [presenceOn(), presenceOn()],
      pubSub,
      async close() {
        await pubSub.close();
        partitions[0].commands.close();
      },
    };
  });

  pubSubContract(async () => {
    const target = parseRedisUrl(redis.url);
    const commands = new Commands(target, quiet);
    const options = { target, commands, log: quiet, kind };
    const pubSubs = [new RedisPubSub(options), new RedisPubSub(options)] as const;
    // Until then nothing can be published.
    await Promise.all(pubSubs.map((pubSub) => pubSub.subscribe("ready{0}")));
    return {
      pubSubs,
      async close() {
        for (const pubSub of pubSubs) await pubSub.close();
        commands.close();
      },
    };
  });
});

describe("on Redis", () => {
  directoryContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      directories: [new RedisDirectory(cluster, commands), new RedisDirectory(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  receiptsContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      receipts: [new RedisReceipts(cluster, commands), new RedisReceipts(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  registryContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      registries: [new RedisRegistry(cluster, commands), new RedisRegistry(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  revocationsContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      revocations: [new RedisRevocations(cluster, commands), new RedisRevocations(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  scheduleContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      schedules: [new RedisSchedule(cluster, commands), new RedisSchedule(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  deliveriesContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      deliveries: [new RedisDeliveries(cluster, commands), new RedisDeliveries(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  lifecycleContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      logs: [new RedisLifecycleLog(cluster, commands), new RedisLifecycleLog(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  quotasContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      quotas: [new RedisQuotas(cluster, commands), new RedisQuotas(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });

  sessionsContract(async () => {
    const commands = new Commands(parseRedisUrl(redis.url), quiet);
    const cluster = newCluster();
    return {
      sessions: [new RedisSessions(cluster, commands), new RedisSessions(cluster, commands)],
      async close() {
        commands.close();
      },
    };
  });
});
