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
 * Which nodes there are. What a node says hangs on its lease: when the lease runs out, the node is no longer part of any answer.
 *
 * Reads never ask other nodes. While the broker is away every verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface Directory {
  /** Renews the node's lease, or begins one, and replaces its record. */
  renew(record: NodeRecord, leaseMs: number): Promise<void>;

  /** Ends the lease now. Idempotent. */
  leave(node: string): Promise<void>;

  /** The nodes whose lease is running, ordered by name. */
  nodes(): Promise<NodeRecord[]>;
}
