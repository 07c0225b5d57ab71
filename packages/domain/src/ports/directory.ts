import type { Channel } from "../channel.ts";

/** What a node says of itself. */
export interface NodeRecord {
  readonly node: string;
  /** Where other nodes reach it: http://host:port of its peer port. */
  readonly peerUrl: string;
  /** What its Engine.IO session ids begin with, up to the dot. New at every start. */
  readonly sidPrefix: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly connections: number;
  readonly state: "ready" | "draining";
  readonly version: string;
}

/**
 * Which nodes there are and how many subscribers each channel has on them. What a node writes hangs on its lease: when the
 * lease runs out, the node and its counts are no longer part of any answer.
 *
 * Reads never ask other nodes. While the broker is away every verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface Directory {
  /**
   * Renews the node's lease, replaces its record and writes the subscriber counts that changed since the last renewal (0
   * removes a channel). Answers `new` when there was no lease to renew: whatever was written under an earlier one is gone,
   * and the caller MUST renew at once with all its counts.
   */
  renew(record: NodeRecord, changed: ReadonlyMap<Channel, number>, leaseMs: number): Promise<"renewed" | "new">;

  /** Ends the lease now. Idempotent. */
  leave(node: string): Promise<void>;

  /** The nodes whose lease is running, ordered by name. */
  nodes(): Promise<NodeRecord[]>;

  /** How many subscribers the channel has on all nodes, as they last said. */
  subscribers(channel: Channel): Promise<number>;
}
