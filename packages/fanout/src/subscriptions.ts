import { type Bookmark, type Channel, type Clock, FanfareError, formatBookmark, type Position } from "@fanfare/domain";
import type { Socket } from "socket.io";
import type { ChannelState } from "./channel-state.ts";
import type { Channels } from "./channels.ts";
import { within } from "./deadline.ts";
import type { EncodedEvent } from "./encoded-event.ts";
import { HeardFrom } from "./heard-from.ts";
import { type Item, isFor } from "./item.ts";
import type { Lanes } from "./lanes.ts";
import type { LogReader } from "./log-reader.ts";
import { resetNotice } from "./notices.ts";
import type { FanoutObserver } from "./observer.ts";
import type { Receipts } from "./receipts.ts";
import { type ReplayOptions, replay } from "./replay.ts";
import { missedSince } from "./resume.ts";
import type { Turns } from "./turns.ts";
import type { Writers } from "./writers.ts";

/** How long a subscriber waits for the broker before it is told to try again. */
const subscribeDeadlineMs = 2_000;

/** A channel that a session was subscribed to, and where it stood when it subscribed. */
export type SessionChannel = readonly [Channel, Position];

export interface Subscribed extends Position {
  /** The text that all subscribers here share: whoever keeps it keeps no copy of what its client wrote. */
  readonly channel: Channel;
  /** Whether everything after `since` was replayed. */
  readonly recovered: boolean;
  readonly replayed: number;
}

export interface SubscriptionsParts {
  readonly channels: Channels;
  readonly lanes: Lanes;
  readonly reader: LogReader;
  readonly writers: Writers;
  readonly turns: Turns;
  readonly receipts: Receipts;
  readonly clock: Clock;
  readonly observer: FanoutObserver;
  encode(item: Item, bookmark: string): EncodedEvent;
  /** Up to where this session has heard its channels. */
  bookmarkOf(socket: Socket): string;
}

/** How a socket becomes a subscriber: what came before is sent from the log, and what comes then as it is heard. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #heardFrom = new HeardFrom();

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  /**
   * Replays what was asked for, then makes the socket a subscriber: nothing is missed and nothing comes twice in between.
   * A socket that is one already keeps its place, and nothing is replayed: `recovered` then says that nothing had to be.
   * Rejects with `BROKER_UNAVAILABLE`.
   */
  subscribe(socket: Socket, channel: Channel, options: ReplayOptions): Promise<Subscribed> {
    const { turns, channels, clock } = this.#parts;
    return turns.take(socket, [channel], async () => {
      const state = channels.hold(channel);
      try {
        await within(subscribeDeadlineMs, state.opened, clock);
        return await this.#join(socket, state, options);
      } finally {
        channels.release(state);
      }
    });
  }

  /**
   * Takes a session up again: delivers what it has missed since its bookmark, in order, tells it with `fanfare:reset` of
   * which channels that cannot be given, and makes the socket a subscriber of all of them. False when this node stays behind
   * what the session has heard elsewhere. Rejects with `BROKER_UNAVAILABLE`; nothing has happened then.
   */
  resume(socket: Socket, sessionChannels: readonly SessionChannel[], bookmark: Bookmark): Promise<boolean> {
    const names = sessionChannels.map(([channel]) => channel);
    const { turns, channels, lanes, reader, writers, clock, observer } = this.#parts;
    return turns.take(socket, names, async () => {
      const memberships = sessionChannels.map(([channel, joined]) => {
        const state = channels.hold(channel);
        return { state, joined, heard: bookmark.seqs[state.partition] ?? 0 };
      });
      try {
        await within(subscribeDeadlineMs, Promise.all(memberships.map(({ state }) => state.opened)), clock);
        // Or what this node sends next would take the client's bookmark back behind what it has heard elsewhere.
        if (!(await lanes.reach(bookmark))) return false;
        const missed = await missedSince(memberships, reader, (seqs) => lanes.reach(seqs));
        if (missed === undefined) return false;
        // From here to the last join nothing is awaited, as in #join.
        for (const { state, reason } of missed.resets) {
          observer.reset(reason);
          writers.send(socket, resetNotice(state.channel, reason), true);
        }
        const heard = [...bookmark.seqs];
        for (const { state, item } of missed.items) {
          heard[state.partition] = item.seq;
          if (!isFor(item, socket.id)) continue;
          this.#replay(socket, state, item, formatBookmark({ seqs: heard }));
        }
        if (missed.items.length > 0) observer.replayed(missed.items.length);
        const lost = new Set(missed.resets.map(({ state }) => state));
        for (const { state, joined } of memberships) {
          this.#enter(socket, state);
          if (!lost.has(state)) this.#heardFrom.set(socket, state.channel, joined);
        }
        return true;
      } finally {
        for (const { state } of memberships) channels.release(state);
      }
    });
  }

  unsubscribe(socket: Socket, channel: Channel): Promise<void> {
    const { turns, channels } = this.#parts;
    return turns.take(socket, [channel], async () => socket.leave(channels.roomOf(channel)));
  }

  async #join(socket: Socket, state: ChannelState, options: ReplayOptions): Promise<Subscribed> {
    const { reader, clock, observer, bookmarkOf } = this.#parts;
    const joined = socket.rooms.has(state.room);
    const asksForReplay = options.since !== undefined || options.rewind !== undefined;
    const missed = !joined && asksForReplay && (await replay(state, reader, clock, options));
    // From here to the join nothing is awaited: what were delivered in between would be lost.
    const { delivered } = state;
    if (delivered === undefined) throw new FanfareError("BROKER_UNAVAILABLE");
    const items = missed ? missed.items.filter((item) => isFor(item, socket.id)) : [];
    // With their own bookmarks they would take the client back behind what it has heard of its other channels.
    const bookmark = bookmarkOf(socket);
    for (const item of items) this.#replay(socket, state, item, bookmark);
    if (items.length > 0) observer.replayed(items.length);
    this.#enter(socket, state);
    const recovered = joined ? this.#heardFrom.covers(socket, state.channel, options.since) : missed ? missed.recovered : false;
    if (!joined) this.#heardFrom.set(socket, state.channel, recovered && options.since ? options.since : delivered);
    const { channel } = state;
    return { channel, epoch: delivered.epoch, offset: delivered.offset, recovered, replayed: items.length };
  }

  /** Makes the socket a subscriber. It MUST have been sent everything up to what is delivered. */
  #enter(socket: Socket, { channel, room, delivered }: ChannelState): void {
    // Joined while the socket was closing, it would stay in the room for ever.
    if (!socket.connected || socket.rooms.has(room)) return;
    void socket.join(room);
    if (delivered !== undefined) this.#parts.writers.of(socket.id)?.hold?.join(channel, delivered);
  }

  /** Sends what a session has missed. */
  #replay(socket: Socket, state: ChannelState, item: Item, bookmark: string): void {
    const { writers, receipts, encode } = this.#parts;
    writers.send(socket, encode(item, bookmark), true);
    if (item.receipt) receipts.replayed(writers.of(socket.id), state, item);
  }
}
