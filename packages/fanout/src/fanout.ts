import {
  type Bookmark,
  type Channel,
  channelOfRoom,
  FanfareError,
  formatBookmark,
  isAnnouncement,
  type Position,
  type PubSub,
  parseAnnouncement,
  withBookmark,
} from "@fanfare/domain";
import type { Namespace, Server, Socket } from "socket.io";
import { Canaries } from "./canaries.ts";
import type { ChannelState } from "./channel-state.ts";
import { Channels } from "./channels.ts";
import { within } from "./deadline.ts";
import { type EncodedEvent, encodeBinary, encodeText } from "./encoded-event.ts";
import type { FanoutParts } from "./fanout-parts.ts";
import { HeardFrom } from "./heard-from.ts";
import { watchIdleChannels } from "./idle-check.ts";
import { type Item, isFor, itemOfAnnouncement } from "./item.ts";
import { Lanes } from "./lanes.ts";
import { LogReader } from "./log-reader.ts";
import { Members } from "./members.ts";
import { resetNotice } from "./notices.ts";
import type { ResetReason } from "./observer.ts";
import { openWriters } from "./open-writers.ts";
import { Receipts } from "./receipts.ts";
import { type ReplayOptions, replay } from "./replay.ts";
import { missedSince } from "./resume.ts";
import { followRetention } from "./retention-change.ts";
import { type Listening, SideTopics } from "./side-topics.ts";
import { StockAdapter } from "./stock-adapter.ts";
import { StockEvents } from "./stock-events.ts";
import { TopicInterest } from "./topic-interest.ts";
import { Turns } from "./turns.ts";
import type { Writers } from "./writers.ts";

/** How long a subscriber waits for the broker before it is told to try again. */
const subscribeDeadlineMs = 2_000;

/** A channel that a session was subscribed to, and where it stood when it subscribed. */
export type SessionChannel = readonly [Channel, Position];

export interface Subscribed extends Position {
  /** Whether everything after `since` was replayed. */
  readonly recovered: boolean;
  readonly replayed: number;
}

/**
 * From the broker's announcements to this node's subscribers: each publication once, in order, without a hole.
 *
 * What it knows of a channel is in {@link Channels}, the order of delivery in the {@link Lanes}, what comes before the join
 * in {@link replay} and {@link missedSince}; the writing itself, and what becomes of slow clients, in {@link Writers}.
 */
export class Fanout {
  /** Who got the publications that somebody wants a receipt of. */
  readonly receipts: Receipts;
  readonly #parts: FanoutParts;
  readonly #stock: StockAdapter;
  readonly #channels: Channels;
  readonly #lanes: Lanes;
  readonly #reader: LogReader;
  readonly #sideTopics: SideTopics;
  readonly #stockEvents: StockEvents;
  readonly #stopIdleCheck: () => void;
  readonly #canaries: Canaries;
  readonly #turns = new Turns();
  readonly #writers: Writers;
  readonly #heardFrom = new HeardFrom();
  readonly #members: Members;
  #namespace: Namespace | undefined;
  #onTooSlow: (socket: Socket) => void = (socket) => void socket.conn.close();

  constructor(parts: FanoutParts) {
    const { broker, pubSub, cluster, clock, retention, observer } = parts;
    this.#parts = parts;
    this.receipts = new Receipts(clock);
    const interest = new TopicInterest(pubSub);
    this.#sideTopics = new SideTopics(pubSub, interest, parts);
    this.#stock = new StockAdapter(pubSub, interest, cluster);
    this.#reader = new LogReader(broker, retention);
    this.#channels = new Channels({
      broker,
      interest,
      cluster,
      retention,
      occupied: (room) => this.#namespace?.adapter.rooms.has(room) ?? false,
      opened: (state, delivered) => this.#lanes.of(state).opened(state, delivered),
    });
    this.#lanes = new Lanes(broker.partitions, this.#channels, {
      broker,
      reader: this.#reader,
      clock,
      observer,
      deliver: (state, item) => this.#deliver(state, item),
      reset: (state, reason) => this.#reset(state, reason),
    });
    this.#writers = openWriters(parts, {
      channels: this.#channels,
      lanes: this.#lanes,
      reader: this.#reader,
      turns: this.#turns,
      receipts: this.receipts,
      encode: (item, bookmark) => this.#encode(item, bookmark),
      close: (socket) => this.#onTooSlow(socket),
    });
    this.#members = new Members(this.#channels, this.#writers);
    this.#stockEvents = new StockEvents({
      stock: this.#stock,
      channels: this.#channels,
      observer,
      namespace: () => this.#namespace,
      remind: (socket) => {
        if (parts.bookmarks) this.send(socket, "fanfare:bookmark", this.bookmarkOf(socket));
      },
    });
    pubSub.onMessage((topic, message) => this.#hear(topic, message));
    pubSub.onLink((link, partition) => this.#lanes.linkChanged(link, partition));
    const doubt = (partition: number): void => this.#lanes.doubt(partition);
    const listen = (channel: Channel): Promise<void> => this.#channels.hold(channel, false).opened;
    this.#canaries = new Canaries({ broker, clock, node: parts.node, listen, returned: observer.canary, lost: doubt });
    this.#stopIdleCheck = watchIdleChannels(this.#channels, broker, clock, doubt);
  }

  /** The adapter for `new Server({ adapter })`. */
  get adapter(): ReturnType<StockAdapter["create"]> {
    return this.#stock.create();
  }

  /** Delivers to the main namespace of this server from now on. Called once. */
  attach(server: Server): void {
    this.#namespace = server.of("/");
    this.#members.watch(this.#namespace);
  }

  /** Up to where every session here has heard its channels. */
  get bookmark(): string {
    return this.#lanes.bookmark;
  }

  /** Up to where this session has heard them: one that is held back has not come as far as the node. */
  bookmarkOf(socket: Socket): string {
    return this.#writers.of(socket.id)?.hold?.bookmark ?? this.bookmark;
  }

  /** How many connections are held back because they read too slowly. */
  get held(): number {
    return this.#writers.held;
  }

  /** Whether a bookmark is of this cluster, as it is now. */
  understands(bookmark: Bookmark): boolean {
    return this.#lanes.understands(bookmark);
  }

  /** Whether all links are up and nothing is being caught up with. */
  get flowing(): boolean {
    return this.#lanes.flowing;
  }

  /** Whether publications reach this node: all links are up, nothing is being caught up with, and canaries come back. */
  get healthy(): boolean {
    return this.#lanes.flowing && this.#canaries.alive;
  }

  /** How long ago a canary last came back, on the partition where that is longest; undefined before the first everywhere. */
  get canaryAgeMs(): number | undefined {
    return this.#canaries.ageMs;
  }

  /** How many channels have subscribers on this node, and how many subscriptions there are. */
  get audience(): { readonly channels: number; readonly subscriptions: number } {
    return this.#members.audience;
  }

  isSubscribed(socket: Socket, channel: Channel): boolean {
    return socket.rooms.has(this.#channels.roomOf(channel));
  }

  /** The room of a channel's subscribers. */
  roomOf(channel: Channel): string {
    return this.#channels.roomOf(channel);
  }

  channelsOf(socket: Socket): Channel[] {
    return [...socket.rooms].flatMap((room) => channelOfRoom(room) ?? []);
  }

  /**
   * Replays what was asked for, then makes the socket a subscriber: nothing is missed and nothing comes twice in between.
   * A socket that is one already keeps its place, and nothing is replayed: `recovered` then says that nothing had to be.
   * Rejects with `BROKER_UNAVAILABLE`.
   */
  subscribe(socket: Socket, channel: Channel, options: ReplayOptions = {}): Promise<Subscribed> {
    return this.#turns.take(socket, [channel], async () => {
      const state = this.#channels.hold(channel);
      try {
        await within(subscribeDeadlineMs, state.opened, this.#parts.clock);
        return await this.#join(socket, state, options);
      } finally {
        this.#channels.release(state);
      }
    });
  }

  /**
   * Takes a session up again: delivers what it has missed since its bookmark, in order, tells it with `fanfare:reset` of
   * which channels that cannot be given, and makes the socket a subscriber of all of them. False when this node stays behind
   * what the session has heard elsewhere. Rejects with `BROKER_UNAVAILABLE`; nothing has happened then.
   */
  resume(socket: Socket, channels: readonly SessionChannel[], bookmark: Bookmark): Promise<boolean> {
    const names = channels.map(([channel]) => channel);
    return this.#turns.take(socket, names, async () => {
      const { clock, observer } = this.#parts;
      const memberships = channels.map(([channel, joined]) => {
        const state = this.#channels.hold(channel);
        return { state, joined, heard: bookmark.seqs[state.partition] ?? 0 };
      });
      try {
        await within(subscribeDeadlineMs, Promise.all(memberships.map(({ state }) => state.opened)), clock);
        // Or what this node sends next would take the client's bookmark back behind what it has heard elsewhere.
        if (!(await this.#lanes.reach(bookmark))) return false;
        const missed = await missedSince(memberships, this.#reader, (seqs) => this.#lanes.reach(seqs));
        if (missed === undefined) return false;
        // From here to the last join nothing is awaited, as in #join.
        for (const { state, reason } of missed.resets) {
          observer.reset(reason);
          this.#writers.send(socket, resetNotice(state.channel, reason), true);
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
        for (const { state } of memberships) this.#channels.release(state);
      }
    });
  }

  unsubscribe(socket: Socket, channel: Channel): Promise<void> {
    return this.#turns.take(socket, [channel], async () => socket.leave(this.#channels.roomOf(channel)));
  }

  /**
   * Delivers an event that is in no log to whoever is here now: what stock emitters send to rooms. A room is a channel by its
   * name, or a session by its id; none means everybody. Events of a reserved name are dropped.
   */
  pass(args: readonly unknown[], rooms: readonly string[], except: readonly string[]): void {
    this.#stockEvents.pass(args, rooms, except);
  }

  /** Sends one event to one socket, past the adapter: what it hears from us directly is not a publication. */
  send(socket: Socket, event: string, ...args: readonly unknown[]): void {
    this.#writers.send(socket, encodeText(JSON.stringify([event, ...args])));
  }

  /** The same with the first argument as the text of its JSON, which goes out as it is. */
  sendText(socket: Socket, event: string, json: string, ...args: readonly unknown[]): void {
    const more = args.map((arg) => `,${JSON.stringify(arg)}`).join("");
    this.#writers.send(socket, encodeText(`[${JSON.stringify(event)},${json}${more}]`));
  }

  /**
   * Registers who closes connections that have more unsent than they may have. Each is handed over once, has been sent
   * everything up to its last bookmark, and gets no more publications.
   */
  onTooSlow(listener: (socket: Socket) => void): void {
    this.#onTooSlow = listener;
  }

  /** Sends one event to all subscribers of a channel that are here: what is no publication, and in no log. */
  notify(channel: Channel, event: string, body: unknown): void {
    const encoded = encodeText(JSON.stringify([event, body]));
    for (const id of this.#namespace?.adapter.rooms.get(this.#channels.roomOf(channel)) ?? []) this.#sendTo(id, encoded);
  }

  /**
   * Hears a topic of its own beside those of channels. `listening` resolves as {@link PubSub.subscribe} does; what is missed
   * while a link is down is not announced. One listener per topic; it MUST NOT throw.
   */
  listen(topic: string, hear: (message: Uint8Array) => void): Listening {
    return this.#sideTopics.listen(topic, hear);
  }

  /** Says something to another node, at most once; a node that is gone is not an error. */
  async tell(node: string, message: Uint8Array): Promise<void> {
    await this.#sideTopics.tell(node, message);
  }

  /** Registers who hears what {@link tell} said on another node. It MUST take any bytes and MUST NOT throw. */
  onNodeMessage(listener: (message: Uint8Array) => void): void {
    this.#sideTopics.onNodeMessage(listener);
  }

  /** The rules say something else of `retention` than before: channels that keep a log now, or none any more, are treated so. */
  retentionChanged(): void {
    followRetention(this.#channels, {
      retention: this.#parts.retention,
      doubt: (partition) => this.#lanes.doubt(partition),
      tell: (writer, channel, reason) => {
        this.#parts.observer.reset(reason);
        writer.send(resetNotice(channel, reason), false);
      },
    });
  }

  close(): void {
    this.#stopIdleCheck();
    this.#canaries.stop();
    this.#lanes.close();
    this.#writers.close();
    this.receipts.close();
  }

  /** Makes the socket a subscriber. It MUST have been sent everything up to what is delivered. */
  #enter(socket: Socket, { channel, room, delivered }: ChannelState): void {
    // Joined while the socket was closing, it would stay in the room for ever.
    if (!socket.connected || socket.rooms.has(room)) return;
    void socket.join(room);
    if (delivered !== undefined) this.#writers.of(socket.id)?.hold?.join(channel, delivered);
  }

  /** Sends what a session has missed. */
  #replay(socket: Socket, state: ChannelState, item: Item, bookmark: string): void {
    this.#writers.send(socket, this.#encode(item, bookmark), true);
    if (item.receipt) this.receipts.replayed(this.#writers.of(socket.id), state, item);
  }

  async #join(socket: Socket, state: ChannelState, options: ReplayOptions): Promise<Subscribed> {
    const joined = socket.rooms.has(state.room);
    const asksForReplay = options.since !== undefined || options.rewind !== undefined;
    const missed = !joined && asksForReplay && (await replay(state, this.#reader, this.#parts.clock, options));
    // From here to the join nothing is awaited: what were delivered in between would be lost.
    const { delivered } = state;
    if (delivered === undefined) throw new FanfareError("BROKER_UNAVAILABLE");
    const items = missed ? missed.items.filter((item) => isFor(item, socket.id)) : [];
    // With their own bookmarks they would take the client back behind what it has heard of its other channels.
    const bookmark = this.bookmarkOf(socket);
    for (const item of items) this.#replay(socket, state, item, bookmark);
    if (items.length > 0) this.#parts.observer.replayed(items.length);
    this.#enter(socket, state);
    const recovered = joined ? this.#heardFrom.covers(socket, state.channel, options.since) : missed ? missed.recovered : false;
    if (!joined) this.#heardFrom.set(socket, state.channel, recovered && options.since ? options.since : delivered);
    return { epoch: delivered.epoch, offset: delivered.offset, recovered, replayed: items.length };
  }

  #hear(topic: string, message: Uint8Array): void {
    const { observer } = this.#parts;
    if (this.#sideTopics.hear(topic, message)) return;
    if (!isAnnouncement(message)) {
      this.#stockEvents.hear(topic, message);
      return;
    }
    // A channel that was just left may still be heard for a while.
    const state = this.#channels.ofTopic(topic);
    if (state === undefined) return;
    const announcement = parseAnnouncement(message, state.delivered?.epoch);
    if (announcement === undefined) observer.announcement("garbage");
    else this.#lanes.of(state).hear(state, itemOfAnnouncement(announcement));
  }

  #deliver(state: ChannelState, item: Item): void {
    this.#canaries.heard(state.channel);
    for (const captured of state.captures) captured.push(item);
    if (item.expired || state.members.size === 0 || this.#namespace === undefined) return;
    const encoded = this.#encode(item, this.#lanes.isBookmark(item.seq) ? undefined : this.bookmark);
    this.#parts.observer.delivered(this.#writers.deliver(this.#namespace, state, item, encoded), item.seq);
    if (item.receipt) this.receipts.delivered(state, item);
  }

  #reset({ channel, members }: ChannelState, reason: ResetReason): void {
    this.#parts.observer.reset(reason);
    const notice = resetNotice(channel, reason);
    for (const [id, writer] of members) {
      // Who is held back is told in its turn, when it is given what was before.
      if (writer?.hold === undefined) this.#sendTo(id, notice);
    }
  }

  #sendTo(id: string, encoded: EncodedEvent): void {
    const socket = this.#namespace?.sockets.get(id);
    if (socket !== undefined) this.#writers.send(socket, encoded);
  }

  /** With the bookmark that it brings along, or with another one. */
  #encode(item: Item, bookmark?: string): EncodedEvent {
    const { binary, logged, event } = item;
    const kept = this.#parts.bookmarks && logged ? bookmark : null;
    if (kept === undefined && event !== undefined) return event;
    const text = kept === undefined ? item.args : withBookmark(item.args, kept);
    return binary ? encodeBinary(text) : encodeText(text);
  }
}
