import { type Broker, type Channel, type Clock, type Publication, pause, type Seq } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import { type Delivered, judge, standsAt } from "./continuity.ts";
import { type Item, itemOfPublication } from "./item.ts";
import type { LogReader, LogRest } from "./log-reader.ts";
import type { FanoutObserver, ResetReason } from "./observer.ts";

/** Announcements kept while the lane is held up; with more, they are let go and read from the logs instead. */
const queueMax = 10_000;
/** Channels of one comparison with the broker. */
const batchSize = 500;
const retryMs = 250;

export interface LaneParts {
  readonly broker: Broker;
  readonly reader: LogReader;
  readonly clock: Clock;
  readonly observer: FanoutObserver;
  /** Hands an item to the channel's subscribers on this node. */
  deliver(state: ChannelState, item: Item): void;
  /** Tells the channel's subscribers that they must reload. */
  reset(state: ChannelState, reason: ResetReason): void;
}

/**
 * The one line in which this node delivers all publications of one partition of the broker.
 *
 * Rule: they leave in the order of their seqs, and never one whose predecessor in its channel is missing. So a session that
 * has received a publication has received everything of its channels up to that publication's seq, and that number alone
 * (see Bookmark) is enough to resume it anywhere.
 *
 * Announcements come in the order of seqs by themselves, as long as the link holds. Whenever that is in doubt (the link
 * was lost, an announcement does not follow its predecessor, the broker stands elsewhere than this node) the lane is held up:
 * what comes waits in a queue while every channel is compared with the broker and what is missing is read from the logs.
 */
export class Lane {
  readonly #partition: number;
  readonly #parts: LaneParts;
  readonly #states: Iterable<ChannelState>;
  #queue: [ChannelState, Item][] = [];
  #queueLost = false;
  #linkUp = false;
  /** While set, a comparison with the broker is due; while running, the lane is held up. */
  #doubt = false;
  #running = false;
  #closed = false;
  #newest: Seq = 0;
  /** What was stored up to here is settled: delivered, or told as lost. */
  #frontier: Seq = 0;

  constructor(partition: number, states: Iterable<ChannelState>, parts: LaneParts) {
    this.#partition = partition;
    this.#states = states;
    this.#parts = parts;
  }

  /** Every session of this node has heard its channels of this partition up to this seq. */
  get newest(): Seq {
    return this.#newest;
  }

  /** Whether publications flow: false while the link is down or holes are being filled. */
  get flowing(): boolean {
    return this.#linkUp && !this.#running;
  }

  hear(state: ChannelState, item: Item): void {
    state.heard = true;
    if (this.flowing) this.#takeLive(state, item);
    else this.#enqueue(state, item);
  }

  /** The broker has said where a channel stands; what was heard meanwhile is judged against it. */
  opened(state: ChannelState, delivered: Delivered): void {
    state.delivered = delivered;
    for (const item of state.early.splice(0)) this.hear(state, item);
  }

  linkChanged(link: "up" | "down"): void {
    this.#linkUp = link === "up";
    if (this.#linkUp) this.doubt();
  }

  /** Holds the lane up and compares every channel with the broker. */
  doubt(): void {
    this.#doubt = true;
    if (!this.#running && this.#linkUp && !this.#closed) void this.#catchUp();
  }

  close(): void {
    this.#closed = true;
  }

  #enqueue(state: ChannelState, item: Item): void {
    if (this.#queue.length < queueMax) {
      this.#queue.push([state, item]);
      return;
    }
    // The log has them all; keeping more here would only cost memory while the broker is slow.
    this.#queue = [];
    this.#queueLost = true;
  }

  /**
   * Up to the frontier the logs have spoken: what is announced from there is delivered already, told as lost, or was taken
   * back by the broker before anyone here had heard it.
   */
  #takeLive(state: ChannelState, item: Item): void {
    if (state.logged && item.seq <= this.#frontier) this.#parts.observer.announcement("duplicate");
    else this.#take(state, item);
  }

  /** Delivers the item if it is the channel's next; holds the lane up when something is wrong with the channel. */
  #take(state: ChannelState, item: Item): void {
    const { delivered } = state;
    // Left and entered anew while the item waited: the channel's new state was opened behind it.
    if (state.dropped) return;
    if (delivered === undefined) {
      state.early.push(item);
      return;
    }
    const verdict = judge(delivered, item);
    this.#parts.observer.announcement(verdict);
    if (verdict === "duplicate") return;
    if (verdict === "next" || !state.logged) {
      state.delivered = { epoch: item.epoch, offset: item.offset, seq: item.seq };
      this.#newest = Math.max(this.#newest, item.seq);
      this.#parts.deliver(state, item);
      return;
    }
    this.#enqueue(state, item);
    this.doubt();
  }

  async #catchUp(): Promise<void> {
    this.#running = true;
    while (this.#doubt && this.#linkUp && !this.#closed) {
      this.#doubt = false;
      this.#queueLost = false;
      // What was announced before the question below is stored by then, or was never meant: the logs decide.
      const decided = this.#queue;
      this.#queue = [];
      try {
        // Before anything is read: what is stored up to here is in the logs, what comes later is announced on the link
        // that is up by now. Only the first kind may be delivered from the logs, or a later publication of one channel
        // would overtake an announcement of another that is still on its way.
        this.#frontier = await this.#parts.broker.frontier(this.#partition);
        const missed = await this.#missed();
        if (this.#closed) return;
        this.#parts.observer.repaired("filled");
        // Without a log there is nothing that could decide.
        this.#drain([...missed, ...decided.filter(([state]) => !state.logged)]);
        if (this.#queueLost) this.#doubt = true;
        if (!this.#doubt) this.#newest = Math.max(this.#newest, this.#frontier);
      } catch {
        // The broker is away. Its link going down ends the loop, its coming back starts it again.
        this.#queue = [...decided, ...this.#queue];
        this.#doubt = true;
        this.#parts.observer.repaired("failed");
        await pause(retryMs, this.#parts.clock);
      }
    }
    this.#running = false;
    // Nothing may stay behind: with the link up and no doubt left, the queue is empty by now or was drained above.
    if (this.flowing) this.#drain([]);
  }

  /** Everything up to the frontier that the logs hold and this node has not delivered. */
  async #missed(): Promise<[ChannelState, Item][]> {
    const open = new Map<Channel, ChannelState>();
    // Without a log there is nothing to read: such a channel just goes on with what is announced next.
    for (const state of this.#states) if (state.logged && state.delivered !== undefined) open.set(state.channel, state);
    const channels = [...open.keys()];
    const missed: [ChannelState, Item][] = [];
    for (let at = 0; at < channels.length; at += batchSize) {
      const tops = await this.#parts.broker.open(channels.slice(at, at + batchSize));
      const elsewhere = tops.flatMap((top) => {
        const state = open.get(top.channel);
        return state?.delivered === undefined || standsAt(state.delivered, top) ? [] : [state];
      });
      for (const items of await Promise.all(elsewhere.map((state) => this.#read(state)))) missed.push(...items);
    }
    return missed;
  }

  async #read(state: ChannelState): Promise<[ChannelState, Item][]> {
    const delivered = state.delivered;
    if (delivered === undefined) return [];
    const { reader, broker } = this.#parts;
    const { top, first, publications } = await reader.read(state.channel, "after", delivered.offset);
    if (top.epoch !== delivered.epoch) {
      return this.#startOver(state, "epoch_changed", await reader.read(state.channel, "after", 0));
    }
    const fresh = publications.filter(({ offset }) => offset > delivered.offset);
    const next = fresh[0];
    if (
      top.offset < delivered.offset ||
      (top.offset === delivered.offset && !standsAt(delivered, top)) ||
      (next?.offset === delivered.offset + 1 && delivered.offset > 0 && next.previous !== delivered.seq)
    ) {
      const { epoch } = await broker.renew(state.channel, delivered.epoch);
      state.delivered = { epoch, offset: 0, seq: delivered.seq };
      this.#parts.reset(state, "diverged");
      return [];
    }
    if (first > delivered.offset + 1) return this.#startOver(state, "trimmed", { top, first, publications: fresh });
    return this.#itemsOf(state, fresh);
  }

  /** The place where this node stood is gone: subscribers are told, and then get what the log holds behind it. */
  #startOver(state: ChannelState, reason: ResetReason, { top, publications }: LogRest): [ChannelState, Item][] {
    const old = state.delivered?.seq ?? 0;
    const fresh = publications.filter(({ seq }) => seq > old);
    const next = fresh[0];
    state.delivered =
      next === undefined
        ? { epoch: top.epoch, offset: top.offset, seq: Math.max(old, top.seq) }
        : { epoch: next.epoch, offset: next.offset - 1, seq: Math.max(old, next.previous) };
    this.#parts.reset(state, reason);
    return this.#itemsOf(state, fresh);
  }

  /** What was stored behind the frontier is left out: it is announced, in its turn, on the link that is up. */
  #itemsOf(state: ChannelState, publications: readonly Publication[]): [ChannelState, Item][] {
    return publications.filter(({ seq }) => seq <= this.#frontier).map((publication) => [state, itemOfPublication(publication)]);
  }

  /** Delivers what was read, then what waited: that is newer than the frontier, and what was read is not. */
  #drain(missed: [ChannelState, Item][]): void {
    const waiting = this.#queue;
    this.#queue = [];
    // Behind a hole nothing goes out, of any channel: its seq would claim what is missing.
    for (const [state, item] of missed.sort(([, a], [, b]) => a.seq - b.seq)) {
      if (!this.#doubt) this.#take(state, item);
    }
    for (const [state, item] of waiting) {
      if (this.#doubt) this.#enqueue(state, item);
      else this.#takeLive(state, item);
    }
  }
}
