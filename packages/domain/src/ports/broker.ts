import type { Channel } from "../channel.ts";
import type { FanfareError } from "../errors.ts";
import type { Position, Seq } from "../position.ts";
import type { ChannelTop, Draft, Publication, Retention } from "../publication.ts";

/**
 * The log of every channel, and the one place where a publication gets its position.
 *
 * Order: offsets of a channel count up by one within an epoch, whoever publishes, wherever.
 * Atomicity: position, log entry, remembered id and announcement are one step; none exists without the others.
 * Durability: what the broker behind it promises; a broker that lost its data starts new epochs.
 * While the broker is away: every verb rejects with `BROKER_UNAVAILABLE` within the command's deadline; the outcome of a
 * publish is then unknown, and a retry with the same id stores it at most once. `BROKER_FULL` says that nothing was stored.
 */
export interface Broker {
  /** How many partitions the channels are spread over, see {@link partitionOf}. Seqs compare within one only. */
  readonly partitions: number;

  /**
   * Stores and announces. A draft whose id is remembered is not stored again: `duplicate` with the first position when
   * the content is the same, `conflict` when it is not. Ids are remembered for {@link limits.idempotencySeconds}.
   */
  publish(draft: Draft, retain: Retention, options?: PublishOptions): Promise<PublishOutcome>;

  /**
   * The same for several that have nothing to do with each other, in their order: each is stored by itself, as if they had been
   * published one after another. Answers for each, also when some could not be stored.
   */
  publishEach(items: readonly PublishItem[], options?: PublishOptions): Promise<readonly (PublishOutcome | PublishFailure)[]>;

  /**
   * The same for several that belong together: all are stored and then announced, in their order, or none is. Those that were
   * stored before, or that come twice, are duplicates; `conflict` names the first whose id says something else. Rejects with
   * `ATOMIC_UNSUPPORTED` when they are more than {@link limits.atomicMax}, or not all of one partition.
   */
  publishAll(items: readonly PublishItem[], options?: PublishOptions): Promise<AtomicOutcome>;

  /**
   * The newest place of each channel, in the order asked; a channel that has never been used is given its epoch. Keeps the
   * channels from being forgotten: a node does this every now and then for what its clients are subscribed to.
   */
  open(channels: readonly Channel[]): Promise<ChannelTop[]>;

  /**
   * The seq of the newest publication in a partition, 0 when there has been none: everything stored there before the call has
   * a seq up to it, everything stored after the answer a higher one.
   */
  frontier(partition: number): Promise<Seq>;

  /**
   * Part of one channel's log. Never waits for publications to come. A channel never used reads as empty. What has expired
   * by then is marked so.
   */
  read(channel: Channel, range: LogRange, retain: Retention): Promise<LogSlice>;

  /** The channel as it stands, or undefined when it has never been used or was forgotten. */
  describe(channel: Channel, retain: Retention): Promise<ChannelState | undefined>;

  /** Empties the log; epoch and offset go on. Resolves with the number of publications that are gone. */
  purge(channel: Channel): Promise<number>;

  /**
   * Starts a new epoch, if the channel still has this one, and empties the log: for a log that contradicts what was
   * already delivered. Resolves with the channel's top after it.
   */
  renew(channel: Channel, epoch: string): Promise<ChannelTop>;

  /** Rejects with `BROKER_UNAVAILABLE` unless the broker answers now. */
  ping(): Promise<void>;

  close(): Promise<void>;
}

export interface PublishOptions {
  /**
   * Wait until a replica has it too, for a short while. What came of it is `replicas` in the outcome: 0 says that the
   * publication is stored, and that a failover might still lose it.
   */
  readonly durable?: boolean | undefined;
}

export type PublishOutcome =
  | {
      readonly kind: "stored" | "duplicate";
      readonly position: Position;
      /** Of what was stored with a receipt. */
      readonly seq?: Seq | undefined;
      /** How many replicas have confirmed it; only when asked for. */
      readonly replicas?: number | undefined;
    }
  | { readonly kind: "conflict" };

export interface PublishItem {
  readonly draft: Draft;
  readonly retain: Retention;
}

/** What came of one that {@link Broker.publish} would have rejected. */
export interface PublishFailure {
  readonly kind: "failed";
  readonly error: FanfareError;
}

export type AtomicOutcome =
  | {
      readonly kind: "stored";
      /** In the order of the items. */
      readonly outcomes: readonly {
        readonly kind: "stored" | "duplicate";
        readonly position: Position;
        /** Of what was stored with a receipt. */
        readonly seq?: Seq | undefined;
      }[];
      /** How many replicas have confirmed them; only when asked for. */
      readonly replicas?: number | undefined;
    }
  | {
      readonly kind: "conflict";
      /** Of the item, from 0. */
      readonly index: number;
    };

/** Which part of a log: an edge, a direction from it and a bound. */
export type LogRange = {
  /**
   * At most this many publications. There may be fewer although the log goes on: a page ends with the publication that
   * reaches {@link limits.pageBytesMax}, at whichever end it was not asked from.
   */
  readonly limit: number;
} & (
  | { readonly from: "after"; readonly offset: number }
  | { readonly from: "afterSeq"; readonly seq: Seq }
  | { readonly from: "before"; readonly offset: number }
  /** The newest ones. */
  | { readonly from: "end" }
);

export interface LogSlice {
  /** The channel's newest position when it was read; epoch "" when it has never been used. */
  readonly top: Position & { readonly seq: Seq };
  /** The offset of the oldest publication that the log still holds, `top.offset + 1` when it holds none. */
  readonly first: number;
  /** In the order of offsets, whatever the direction. */
  readonly publications: readonly Publication[];
  /** What their payloads measured in the log, also of those that have expired. */
  readonly payloadBytes: number;
}

export interface ChannelState {
  readonly top: Position & { readonly seq: Seq };
  /** Publications in the log. */
  readonly retained: number;
}
