import { type Broker, type Clock, type Directory, type PubSub, type Sessions, systemClock } from "@fanfare/domain";
import { connectCluster } from "./cluster-backend.ts";
import type { Commands } from "./commands.ts";
import type { Log } from "./log.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryDirectory } from "./memory-directory.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";
import { MemorySessions } from "./memory-sessions.ts";
import type { PartitionedPubSub } from "./partitioned-pub-sub.ts";
import { RedisBroker } from "./redis-broker.ts";
import { RedisDirectory } from "./redis-directory.ts";
import { openPartition } from "./redis-partition.ts";
import { RedisPubSub } from "./redis-pub-sub.ts";
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
  /** Messages at which the pub-sub's listener threw. */
  listenerErrors(): number;
  close(): Promise<void>;
}

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
  return backend("memory", broker, pubSub, directory, new MemorySessions(clock));
}

function onOneRedis(redisUrl: string, cluster: string, log: Log, clock: Clock): Backend {
  const { target, close } = connectOne(parseRedisUrl(redisUrl), log, clock);
  const partition = openPartition(target, log);
  const pubSub = new RedisPubSub({ target, commands: partition.commands, log, clock });
  return onRedis(new RedisBroker({ cluster, partitions: [partition] }), pubSub, cluster, partition.commands, close);
}

function onCluster(target: ClusterTarget, cluster: string, log: Log, clock: Clock): Backend {
  const { partitions, pubSub, count, close } = connectCluster(target, cluster, log, clock);
  const broker = new RedisBroker({ cluster, partitions, agreed: () => count.check() });
  return onRedis(broker, pubSub, cluster, partitions[0].commands, close);
}

/** `commands` leads to the partition of the directory and the sessions. */
function onRedis(
  broker: RedisBroker,
  pubSub: RedisPubSub | PartitionedPubSub,
  cluster: string,
  commands: Commands,
  closed: () => void = () => {},
): Backend {
  return backend("redis", broker, pubSub, new RedisDirectory(cluster, commands), new RedisSessions(cluster, commands), closed);
}

function backend(
  kind: Backend["kind"],
  broker: Broker,
  pubSub: PubSub & { readonly listenerErrors: number },
  directory: Directory,
  sessions: Sessions,
  closed: () => void = () => {},
): Backend {
  return {
    kind,
    broker,
    pubSub,
    directory,
    sessions,
    listenerErrors: () => pubSub.listenerErrors,
    async close() {
      await pubSub.close();
      await broker.close();
      closed();
    },
  };
}
