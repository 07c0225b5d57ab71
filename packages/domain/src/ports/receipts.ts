import type { Channel } from "../channel.ts";
import type { Position, Seq } from "../position.ts";

/** Which publication: an offset may be given out again in another epoch, and the seq tells the two apart. */
export interface Receipted extends Position {
  readonly channel: Channel;
  readonly seq: Seq;
}

/**
 * Where one publication stands on one node. Every one of `sessions` is in exactly one of `written`, `unsent` and `dropped`;
 * `recovered` counts beside them, because a session that was dropped here may be given it elsewhere.
 */
export interface DeliveryCounts {
  /** Subscribed to the channel when it was delivered here, without those that it leaves out. */
  readonly sessions: number;
  /** The system has taken it for their connections. Nothing is said of whether anybody has read it. */
  readonly written: number;
  /** It waits for their connections: in this node's memory, or in the log until they have drained. */
  readonly unsent: number;
  /** They will not get it on that connection: a newer one took its place, or the connection ended before. */
  readonly dropped: number;
  /** Written to connections that had missed it, from the log: a session that came back, or one that asked for a replay. */
  readonly recovered: number;
}

/** What a node says of one publication. It replaces what the same life of the node said of it before. */
export interface DeliveryReport extends Receipted {
  readonly counts: DeliveryCounts;
}

/** One life of one node: a name may come back after its end, and knows nothing then of what it had counted. */
export interface NodeLife {
  readonly node: string;
  /** New at every start; the `sidPrefix` of the directory. */
  readonly life: string;
}

export interface NodeDeliveries extends NodeLife {
  readonly counts: DeliveryCounts;
}

export interface Receipt extends Receipted {
  /** By name and life. Nodes without subscribers of the channel say nothing. */
  readonly nodes: readonly NodeDeliveries[];
}

/** Up to where a life of a node has reported everything that it delivered. */
export interface ReportedUpTo extends NodeLife {
  /** Per partition. */
  readonly seqs: readonly Seq[];
  /** When it said so: milliseconds since 1970, by the broker's clock. */
  readonly at: number;
}

/**
 * How publications fared that were published with a receipt, as the nodes that delivered them say.
 *
 * **Writing.** Nodes report in batches, in absolute numbers: a batch whose outcome is unknown is written again, and changes
 * nothing. Whoever speaks first of a publication, its publisher or a node, begins its receipt. Under an offset that was given
 * out again the publication of the higher seq counts; what is still said of the other one changes nothing.
 *
 * **Life.** A receipt ends `limits.receiptSeconds` after its publication, whoever still speaks of it.
 *
 * **Reading.** Never asks a node. Who wants to know which nodes have said everything reads {@link reportedUpTo} first and the
 * receipt behind it: a node that is past the publication's seq by then is in the receipt, or had nobody to deliver it to.
 *
 * While the broker is away every verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface Receipts {
  /** Begins the receipt of a publication that was stored. Idempotent. */
  open(publication: Receipted): Promise<void>;

  /** What has changed on a node; with `seqs`, that this is everything up to there. The caller bounds it: a few hundred. */
  report(life: NodeLife, deliveries: readonly DeliveryReport[], seqs?: readonly Seq[]): Promise<void>;

  /** Undefined when there is none, or no longer. */
  find(channel: Channel, offset: number): Promise<Receipt | undefined>;

  /** Of all lives that have said so within the life of a receipt, by name and life. */
  reportedUpTo(): Promise<ReportedUpTo[]>;
}
