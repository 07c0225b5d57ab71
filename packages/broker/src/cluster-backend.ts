import type { Clock } from "@fanfare/domain";
import type { RedisOptions } from "ioredis";
import { lookAtCluster } from "./cluster-view.ts";
import { Commands } from "./commands.ts";
import type { Log } from "./log.ts";
import { PartitionCount } from "./partition-count.ts";
import { PartitionedPubSub } from "./partitioned-pub-sub.ts";
import { openPartition, type RedisPartitions } from "./redis-partition.ts";
import { RedisPubSub } from "./redis-pub-sub.ts";
import type { ClusterTarget } from "./redis-url.ts";
import { slotOf } from "./slots.ts";
import { Topology } from "./topology.ts";
import { targetOfSlot } from "./topology-connector.ts";

/** What a backend needs of a Redis Cluster. */
export interface ClusterConnections {
  readonly partitions: RedisPartitions;
  readonly pubSub: PartitionedPubSub;
  readonly count: PartitionCount;
  /** Leads to a node of the cluster. */
  readonly target: RedisOptions;
  close(): void;
}

/**
 * A Redis Cluster as so many single Redis: every partition has connections of its own to the primary that serves the slot
 * of its number, and what is true of a single Redis is true of each. When a primary fails, the others' partitions go on.
 */
export function connectCluster(
  { seeds, login, partitions }: ClusterTarget,
  cluster: string,
  log: Log,
  clock: Clock,
): ClusterConnections {
  const topology = new Topology({ seeds, login, look: lookAtCluster, log, clock });
  const target = (slot: number): RedisOptions => targetOfSlot(topology, slot, login);
  const [first, ...others] = Array.from({ length: partitions }, (_, partition) => {
    const own = { log: saying(log, { partition }), target: target(slotOf(`{${partition}}`)) };
    const asking = openPartition(own.target, own.log);
    return { asking, hearing: new RedisPubSub({ ...own, commands: asking.commands, clock }) };
  });
  if (first === undefined) throw new RangeError("there is no cluster without partitions");
  const parts = [first, ...others];
  return {
    partitions: [first.asking, ...others.map(({ asking }) => asking)],
    pubSub: new PartitionedPubSub({
      parts: parts.map(({ hearing }) => hearing),
      openCommands: (slot) => new Commands(target(slot), saying(log, { slot })),
      openPubSub: (slot, commands) => new RedisPubSub({ target: target(slot), commands, log: saying(log, { slot }), clock }),
    }),
    count: new PartitionCount(cluster, first.asking.commands, partitions, log),
    target: target(slotOf("{0}")),
    close: () => topology.close(),
  };
}

/** The log with fields that every line has. */
function saying(log: Log, fields: Readonly<Record<string, unknown>>): Log {
  return {
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
  };
}
