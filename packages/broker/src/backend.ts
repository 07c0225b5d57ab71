import {
  type Broker,
  type Clock,
  type Deliveries,
  type Directory,
  type LifecycleLog,
  type Presence,
  type PubSub,
  type Quotas,
  type Receipts,
  type Registry,
  type Revocations,
  type Schedule,
  type Sessions,
  systemClock,
} from "@fanfare/domain";
import type { RedisOptions } from "ioredis";
import { connectCluster } from "./cluster-backend.ts";
import type { Commands } from "./commands.ts";
import type { Log } from "./log.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryDeliveries } from "./memory-deliveries.ts";
import { MemoryDirectory } from "./memory-directory.ts";
import { MemoryLifecycleLog } from "./memory-lifecycle.ts";
import { MemoryPresence } from "./memory-presence.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";
import { MemoryQuotas } from "./memory-quotas.ts";
import { MemoryReceipts } from "./memory-receipts.ts";
import { MemoryRegistry } from "./memory-registry.ts";
import { MemoryRevocations } from "./memory-revocations.ts";
import { MemorySchedule } from "./memory-schedule.ts";
import { MemorySessions } from "./memory-sessions.ts";
import type { PartitionedPubSub } from "./partitioned-pub-sub.ts";
import { PatternListener } from "./pattern-listener.ts";
import { RedisBroker } from "./redis-broker.ts";
import { RedisDeliveries } from "./redis-deliveries.ts";
import { RedisDirectory } from "./redis-directory.ts";
import { RedisLifecycleLog } from "./redis-lifecycle.ts";
import { openPartition } from "./redis-partition.ts";
import { RedisPresence } from "./redis-presence.ts";
import { RedisPubSub } from "./redis-pub-sub.ts";
import { RedisQuotas } from "./redis-quotas.ts";
import { RedisReceipts } from "./redis-receipts.ts";
import { RedisRegistry } from "./redis-registry.ts";
import { RedisRevocations } from "./redis-revocations.ts";
import { RedisSchedule } from "./redis-schedule.ts";
import { RedisSessions } from "./redis-sessions.ts";
import { type ClusterTarget, parseClusterUrl, parseRedisUrl } from "./redis-url.ts";
import { connectOne } from "./sentinel-backend.ts";

export interface BackendOptions {
  /** Absent: everything stays in this process. */
  readonly redisUrl?: string | undefined;
  /** Separates clusters that share one Redis. */
  readonly cluster: string;
  readonly log: Log;
  readonly clock?: Clock;
}

/** Everything that the nodes of a cluster share. */
export interface Backend {
  readonly kind: "memory" | "redis";
  readonly broker: Broker;
  readonly pubSub: PubSub;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly quotas: Quotas;
  readonly receipts: Receipts;
  readonly revocations: Revocations;
  readonly registry: Registry;
  readonly presence: Presence;
  readonly lifecycle: LifecycleLog;
  readonly deliveries: Deliveries;
  readonly schedule: Schedule;
  /**
   * Hears what others PUBLISH on Redis channels of a glob pattern, while the connection holds; nothing without Redis. `hear`
   * MUST NOT throw.
   */
  listen(pattern: string, hear: (message: Buffer) => void): void;
  /** Messages at which the pub-sub's listener threw. */
  listenerErrors(): number;
  close(): Promise<void>;
}

/** What is kept about nodes and clients, beside the channels. */
type Registers = Pick<
  Backend,
  | "directory"
  | "sessions"
  | "quotas"
  | "receipts"
  | "revocations"
  | "registry"
  | "presence"
  | "lifecycle"
  | "deliveries"
  | "schedule"
>;

/** Never waits for Redis: a node starts while Redis is away and heals by itself. Throws `SETTINGS_INVALID`. */
export function openBackend({ redisUrl, cluster, log, clock = systemClock }: BackendOptions): Backend {
  if (redisUrl === undefined) return inMemory(cluster, clock);
  const target = parseClusterUrl(redisUrl);
  return target === undefined ? onOneRedis(redisUrl, cluster, log, clock) : onCluster(target, cluster, log, clock);
}

function inMemory(cluster: string, clock: Clock): Backend {
  const pubSub = new MemoryPubSub();
  const broker = new MemoryBroker({ cluster, pubSub, clock });
  const directory = new MemoryDirectory(clock);
  const registers = {
    directory,
    sessions: new MemorySessions(clock),
    quotas: new MemoryQuotas(clock),
    receipts: new MemoryReceipts(clock),
    revocations: new MemoryRevocations(clock),
    registry: new MemoryRegistry(clock),
    lifecycle: new MemoryLifecycleLog(clock),
    deliveries: new MemoryDeliveries(clock),
    presence: new MemoryPresence({ cluster, pubSub, clock }),
    schedule: new MemorySchedule(clock),
  };
  return backend("memory", broker, pubSub, registers, { listen: () => {}, close: () => {} });
}

function onOneRedis(redisUrl: string, cluster: string, log: Log, clock: Clock): Backend {
  const { target, close } = connectOne(parseRedisUrl(redisUrl), log, clock);
  const partition = openPartition(target, log);
  const pubSub = new RedisPubSub({ target, commands: partition.commands, log, clock });
  const broker = new RedisBroker({ cluster, partitions: [partition] });
  const presence = new RedisPresence({ cluster, partitions: [partition] });
  return onRedis(broker, presence, pubSub, cluster, partition.commands, listening(target, log, close));
}

function onCluster(target: ClusterTarget, cluster: string, log: Log, clock: Clock): Backend {
  const { partitions, pubSub, count, target: anyNode, close } = connectCluster(target, cluster, log, clock);
  const agreed = (): Promise<void> => count.check();
  const broker = new RedisBroker({ cluster, partitions, agreed });
  const presence = new RedisPresence({ cluster, partitions, agreed });
  return onRedis(broker, presence, pubSub, cluster, partitions[0].commands, listening(anyNode, log, close));
}

/** What differs between the ways to a Redis. */
interface More extends Pick<Backend, "listen"> {
  close(): void;
}

/** Listeners get a connection each, to wherever `target` leads at the time. */
function listening(target: RedisOptions, log: Log, close: () => void): More {
  const listeners: PatternListener[] = [];
  return {
    listen: (pattern, hear) => void listeners.push(new PatternListener(target, pattern, hear, log)),
    close() {
      for (const listener of listeners) listener.close();
      close();
    },
  };
}

/** `commands` leads to the partition of the registers. */
function onRedis(
  broker: RedisBroker,
  presence: RedisPresence,
  pubSub: RedisPubSub | PartitionedPubSub,
  cluster: string,
  commands: Commands,
  more: More,
): Backend {
  const registers = {
    directory: new RedisDirectory(cluster, commands),
    sessions: new RedisSessions(cluster, commands),
    quotas: new RedisQuotas(cluster, commands),
    receipts: new RedisReceipts(cluster, commands),
    revocations: new RedisRevocations(cluster, commands),
    registry: new RedisRegistry(cluster, commands),
    lifecycle: new RedisLifecycleLog(cluster, commands),
    deliveries: new RedisDeliveries(cluster, commands),
    presence,
    schedule: new RedisSchedule(cluster, commands),
  };
  return backend("redis", broker, pubSub, registers, more);
}

function backend(
  kind: Backend["kind"],
  broker: Broker,
  pubSub: PubSub & { readonly listenerErrors: number },
  registers: Registers,
  { listen, close }: More,
): Backend {
  return {
    kind,
    broker,
    pubSub,
    ...registers,
    listen,
    listenerErrors: () => pubSub.listenerErrors,
    async close() {
      await pubSub.close();
      await broker.close();
      close();
    },
  };
}
