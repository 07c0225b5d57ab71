import { type Bookmark, type Clock, FanfareError, formatBookmark, type Link, pause, type Seq } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import type { Channels } from "./channels.ts";
import { Lane, type LaneParts } from "./lane.ts";

/** How long a session that has heard more elsewhere waits for this node to get there. */
const lagPatienceMs = 2_000;
const lagPollMs = 5;
/** Announcements on their way arrive within this; a lane that has not moved by then is asked to compare itself. */
const lagGraceMs = 20;

/** One lane per partition, and what they amount to together. */
export class Lanes {
  readonly #lanes: readonly Lane[];
  readonly #clock: Clock;

  constructor(partitions: number, channels: Channels, parts: LaneParts) {
    this.#clock = parts.clock;
    this.#lanes = Array.from({ length: partitions }, (_, partition) => {
      // A view, not a copy: the lane looks at the channels of the moment.
      const states = { [Symbol.iterator]: () => channels.ofPartition(partition)[Symbol.iterator]() };
      return new Lane(partition, states, parts);
    });
  }

  of({ partition }: Pick<ChannelState, "partition">): Lane {
    const lane = this.#lanes[partition];
    if (lane === undefined) throw new FanfareError("INTERNAL", { detail: `there is no partition ${partition}` });
    return lane;
  }

  /** Per partition, up to where this node has delivered. */
  get seqs(): Seq[] {
    return this.#lanes.map(({ newest }) => newest);
  }

  /** Up to where every session here has heard its channels. */
  get bookmark(): string {
    return formatBookmark({ seqs: this.seqs });
  }

  /** Whether `seq`, of one of the lanes, is a bookmark by itself: there is no other lane, and nothing newer was sent. */
  isBookmark(seq: Seq): boolean {
    return this.#lanes.length === 1 && this.#lanes[0]?.newest === seq;
  }

  get flowing(): boolean {
    return this.#lanes.every(({ flowing }) => flowing);
  }

  /** Whether a bookmark is of this cluster, as it is now. */
  understands({ seqs }: Bookmark): boolean {
    return seqs.length === this.#lanes.length;
  }

  /** Whether this node has, or gets in time, as far as the bookmark; a comparison with the broker takes idle lanes there. */
  async reach({ seqs }: Bookmark): Promise<boolean> {
    const behind = (): Lane[] => this.#lanes.filter((lane, partition) => lane.newest < (seqs[partition] ?? 0));
    for (let waited = 0; behind().length > 0; waited += lagPollMs) {
      if (waited >= lagPatienceMs) return false;
      if (waited === lagGraceMs) for (const lane of behind()) lane.doubt();
      await pause(lagPollMs, this.#clock);
    }
    return true;
  }

  linkChanged(link: Link, partition: number): void {
    this.#lanes[partition]?.linkChanged(link);
  }

  doubt(partition: number): void {
    this.#lanes[partition]?.doubt();
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }
}
