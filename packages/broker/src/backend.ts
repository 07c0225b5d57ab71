import { type Broker, type Clock, type Directory, type PubSub, type Sessions, systemClock } from "@fanfare/domain";
import { Commands } from "./commands.ts";
import type { Log } from "./log.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryDirectory } from "./memory-directory.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";
import { MemorySessions } from "./memory-sessions.ts";
import { RedisBroker } from "./redis-broker.ts";
import { RedisDirectory } from "./redis-directory.ts";
import { RedisPubSub } from "./redis-pub-sub.ts";
import { RedisSessions } from "./redis-sessions.ts";
import { parseRedisUrl } from "./redis-url.ts";

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
  return redisUrl === undefined ? inMemory(cluster, clock) : onRedis(redisUrl, cluster, log, clock);
}

function inMemory(cluster: string, clock: Clock): Backend {
  const pubSub = new MemoryPubSub();
  const broker = new MemoryBroker({ cluster, pubSub, clock });
  const directory = new MemoryDirectory(clock);
  return backend("memory", broker, pubSub, directory, new MemorySessions(clock));
}

function onRedis(redisUrl: string, cluster: string, log: Log, clock: Clock): Backend {
  const target = parseRedisUrl(redisUrl);
  const commands = new Commands(target, log);
  const pubSub = new RedisPubSub({ target, commands, log, clock });
  const broker = new RedisBroker({ cluster, commands: [commands] });
  const directory = new RedisDirectory(cluster, commands);
  return backend("redis", broker, pubSub, directory, new RedisSessions(cluster, commands));
}

function backend(
  kind: Backend["kind"],
  broker: Broker,
  pubSub: PubSub & { readonly listenerErrors: number },
  directory: Directory,
  sessions: Sessions,
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
    },
  };
}
