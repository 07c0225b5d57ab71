import type { Channel } from "../channel.ts";

/** One session in a channel, as others may see it. */
export interface PresenceMember {
  /** What the client knows as `socket.id`. */
  readonly id: string;
  /** Null for a session without a user. */
  readonly user: string | null;
  /** What its token says of it under `info`; null when that is nothing. */
  readonly info: unknown;
  /** When it came into the channel: milliseconds since 1970. It stays the same when the session moves to another node. */
  readonly since: number;
}

/** Why a member left: it said so, its connection was lost and nobody came back in time, or its node was. */
export type LeaveReason = "unsubscribed" | "disconnected" | "node_lost";

export interface PresenceLeft extends PresenceMember {
  readonly reason: LeaveReason;
}

/**
 * What one step has changed in a channel, as it is announced on {@link topicOfPresence}. Deltas of one channel are announced
 * in the order of their versions, and each names the one before, so that whoever missed one notices.
 */
export interface PresenceDelta {
  /** Tells two lives of the channel's members apart: another one means that the broker has lost them in between. */
  readonly life: number;
  /** The version before this one; 0 for the first of a life. */
  readonly previous: number;
  /** Grows with every change, also from one life to the next. */
  readonly version: number;
  readonly clients: number;
  readonly users: number;
  /** Undefined, as `left`, when the channel has more members than are told one by one. */
  readonly joined: readonly PresenceMember[] | undefined;
  readonly left: readonly PresenceLeft[] | undefined;
}

/** Who is in a channel, all of one moment. */
export interface PresenceState {
  /** Life and version are 0 for a channel that nobody was in for long. */
  readonly life: number;
  readonly version: number;
  /** Sessions. */
  readonly clients: number;
  /** Distinct users; sessions without a user count for none. */
  readonly users: number;
  /** Undefined when there are more than was asked for. */
  readonly members: readonly PresenceMember[] | undefined;
}

/** What a node has to say about one of its sessions. `turn` is that of {@link Ownership}. */
export type PresenceChange =
  | { readonly kind: "join"; readonly turn: number; readonly member: PresenceMember }
  | { readonly kind: "leave"; readonly turn: number; readonly id: string; readonly reason: LeaveReason };

export interface PresenceApplied {
  /** The channel's version after it. */
  readonly version: number;
  /** How many steps of this owner the partition has on record, this one included. */
  readonly steps: number;
  /** Since when the members that joined are there, by id: earlier than they said when they came from another node. */
  readonly since: ReadonlyMap<string, number>;
}

export interface ApplyOptions {
  /** Whether the owner has any member in the channel after this. */
  readonly stays: boolean;
  /** Above so many members a delta has no lists. */
  readonly membersMax: number;
}

/** An owner whose lease is over, and why its members leave. */
export interface LostOwner {
  readonly owner: string;
  readonly reason: LeaveReason;
}

export interface Beat {
  /** False when the owner was not on record: what it wrote before is gone, or will be. */
  readonly known: boolean;
  /** As in {@link PresenceApplied}. Less than the caller has counted: the broker has lost steps. */
  readonly steps: number;
  /** Owners that the caller is now to {@link Presence.sweep}: nobody else is told of them for a while. */
  readonly lost: readonly LostOwner[];
}

/**
 * Who is in which channel, on all nodes together.
 *
 * A member belongs to an *owner*: one life of one node, under a lease for each partition. An owner that has been declared
 * lost stays so for ever: whatever it still writes is refused as a whole (`fenced`), and its node goes on under another name.
 *
 * Atomicity: a call of {@link apply} is one step; counts, members and announcement never disagree. Idempotence: the same
 * changes again change and announce nothing, so a call whose outcome is unknown is made again. Order: of two owners that say
 * something about one session the one with the higher turn is right, whoever came first. A session that moves to another
 * node is not announced; one whose user or info has changed is announced as joined.
 * While the broker is away: every verb rejects with `BROKER_UNAVAILABLE`. No owner is lost for a time in which nobody could
 * renew.
 */
export interface Presence {
  /** As those of the Broker. */
  readonly partitions: number;

  /** Says what has changed for the owner's sessions in the channel. The last word about a session counts. */
  apply(
    owner: string,
    channel: Channel,
    changes: readonly PresenceChange[],
    options: ApplyOptions,
  ): Promise<PresenceApplied | "fenced">;

  /** Begins or renews the owner's lease in a partition. */
  beat(partition: number, owner: string, leaseMs: number): Promise<Beat>;

  /** Gives the owner's members up: those that nobody has taken over after `afterMs` leave, for this reason. Idempotent. */
  retire(partition: number, owner: string, reason: LeaveReason, afterMs: number): Promise<void>;

  /**
   * Lets all members leave that a lost owner still owns, and forgets it. In many small steps; it may be called again.
   * Resolves with the number of those that left.
   */
  sweep(partition: number, lost: LostOwner, membersMax: number): Promise<number>;

  /** The channel as it stands. */
  read(channel: Channel, membersMax: number): Promise<PresenceState>;

  /** All members, ordered by id, read in small steps: one that stays throughout is in it exactly once. */
  members(channel: Channel): Promise<readonly PresenceMember[]>;

  /** Only {@link PresenceState.version} of each channel, in the order asked. */
  versions(channels: readonly Channel[]): Promise<number[]>;
}
