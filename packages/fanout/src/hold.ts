import { type Channel, formatBookmark, type Position, type Seq } from "@fanfare/domain";
import type { EncodedEvent } from "./encoded-event.ts";

/**
 * What is not sent to a connection that is behind, and where it stands meanwhile.
 *
 * A bookmark claims that everything before it was heard. So as soon as one publication is held back, all later ones of
 * channels with a log are, too, whatever their channel's rule says: with any of them sent, its bookmark would claim the
 * one that was not. Nothing of them is kept here: when the connection has drained they are read from the logs, from
 * {@link seqs} on. Channels without a log have no bookmarks and go on by themselves.
 */
export class Hold {
  /** Per partition, up to where the connection has been sent everything. */
  readonly seqs: Seq[];
  /** Per channel, behind which position the connection is still owed what comes. */
  readonly owed: Map<Channel, Position>;
  /** Channels joined or left so far meanwhile: what was read before that is read again. */
  joins = 0;
  /** Bytes held back of channels whose rule is to disconnect: they count as if they were unsent. */
  countedBytes = 0;
  readonly #kept = new Map<string, EncodedEvent>();
  #keptBytes = 0;

  constructor(seqs: readonly Seq[], owed: Iterable<readonly [Channel, Position]>) {
    this.seqs = [...seqs];
    this.owed = new Map(owed);
  }

  get bookmark(): string {
    return formatBookmark({ seqs: this.seqs });
  }

  /** Bytes of {@link kept}. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** The newest of each event of channels that keep no log, oldest first. */
  kept(): EncodedEvent[] {
    const events = [...this.#kept.values()];
    this.#kept.clear();
    this.#keptBytes = 0;
    return events;
  }

  /** Keeps an event in place of the one before it under the same name. */
  keep(name: string, encoded: EncodedEvent): void {
    this.#keptBytes += encoded.frame.length - (this.#kept.get(name)?.frame.length ?? 0);
    // Deleted first, so that the order is the order of the newest.
    this.#kept.delete(name);
    this.#kept.set(name, encoded);
  }

  /** Owes nothing more of a channel. False when it did not. */
  leave(channel: Channel): boolean {
    this.joins++;
    return this.owed.delete(channel);
  }

  join(channel: Channel, position: Position): void {
    this.owed.set(channel, position);
    this.joins++;
  }
}
