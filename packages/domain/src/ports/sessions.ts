import type { Channel } from "../channel.ts";
import type { Position } from "../position.ts";

/** What outlives a connection, so that any node can take the client up again where it was. */
export interface SessionRecord {
  /** What the client knows as `socket.id`. */
  readonly id: string;
  readonly user: string | null;
  /** Every channel it is subscribed to, and where that channel stood when it subscribed. */
  readonly channels: readonly (readonly [Channel, Position])[];
  /** Those of them that the application has subscribed it to: no rule and no token needs to allow them. Absent: none. */
  readonly granted?: readonly Channel[];
}

/** Who may write a session's record: each node that takes the session over has a higher turn than the one before. */
export interface Ownership {
  readonly node: string;
  readonly turn: number;
}

/**
 * The records of sessions, kept under the secret that the stock client calls its `pid`.
 *
 * A record is written when it changes and never at a disconnect, so that a node that is killed leaves behind what a node
 * that stops does. It lives as long as somebody renews it, and then for the rest of its life: that is how long a client may
 * stay away. While the broker is away every verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface Sessions {
  /**
   * Writes the record, for `lifeMs` from now. Answers false, and writes nothing, when another node has taken the session
   * over since.
   */
  save(pid: string, record: SessionRecord, owner: Ownership, lifeMs: number): Promise<boolean>;

  /**
   * Takes the session over for `node`, atomically: of two nodes that try at once the later one has it. Undefined when there
   * is none, or no longer.
   */
  claim(pid: string, node: string, lifeMs: number): Promise<Claimed | undefined>;

  /** Lets the records live for `lifeMs` from now. Those that are gone stay gone. */
  renew(pids: readonly string[], lifeMs: number): Promise<void>;

  /** Forgets the session. Idempotent. */
  end(pid: string): Promise<void>;
}

export interface Claimed {
  readonly record: SessionRecord;
  readonly owner: Ownership;
  /** The node that served it before. */
  readonly previousNode: string;
}
