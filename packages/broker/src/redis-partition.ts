import type { RedisOptions } from "ioredis";
import { Commands } from "./commands.ts";
import type { Log } from "./log.ts";
import { ReplicaWait } from "./replica-wait.ts";

/** The connections that ask the Redis of one partition. */
export interface RedisPartition {
  readonly commands: Commands;
  /** For writes that wait for a replica. Its connection is opened by the first of them. */
  readonly durable: ReplicaWait;
}

/** At least one. */
export type RedisPartitions = readonly [RedisPartition, ...RedisPartition[]];

export function openPartition(target: RedisOptions, log: Log): RedisPartition {
  return {
    commands: new Commands(target, log),
    durable: new ReplicaWait(() => new Commands(target, log, "durable")),
  };
}
