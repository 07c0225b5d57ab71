import {
  type Bookmark,
  type Channel,
  channelOfRoom,
  isAnnouncement,
  type PubSub,
  parseAnnouncement,
  withBookmark,
} from "@fanfare/domain";
import type { Namespace, Server, Socket } from "socket.io";
import { Canaries } from "./canaries.ts";
import type { ChannelState } from "./channel-state.ts";
import { Channels } from "./channels.ts";
import { type EncodedEvent, encodeBinary, encodeText } from "./encoded-event.ts";
import type { FanoutParts } from "./fanout-parts.ts";
import { watchIdleChannels } from "./idle-check.ts";
import { type Item, itemOfAnnouncement } from "./item.ts";
import { Lanes } from "./lanes.ts";
import { LogReader } from "./log-reader.ts";
import { Members } from "./members.ts";
import { resetNotice } from "./notices.ts";
import type { ResetReason } from "./observer.ts";
import { openWriters } from "./open-writers.ts";
import { Receipts } from "./receipts.ts";
import type { ReplayOptions } from "./replay.ts";
import { followRetention } from "./retention-change.ts";
import { type Listening, SideTopics } from "./side-topics.ts";
import { StockAdapter } from "./stock-adapter.ts";
import { StockEvents } from "./stock-events.ts";
import { type SessionChannel, type Subscribed, Subscriptions } from "./subscriptions.ts";
import { TopicInterest } from "./topic-interest.ts";
import { Turns } from "./turns.ts";
import type { Writers } from "./writers.ts";

/**
 * From the broker's announcements to this node's subscribers: each publication once, in order, without a hole.
 *
 * What it knows of a channel is in {@link Channels}, the order of delivery in the {@link Lanes}, how sockets become subscribers
 * in {@link Subscriptions}; the writing itself, and what becomes of slow clients, in {@link Writers}.
 */
export class Fanout {
  /** Who got the publications that somebody wants a receipt of. */
  readonly receipts: Receipts;
  readonly #parts: FanoutParts;
  readonly #stock: StockAdapter;
  readonly #channels: Channels;
  readonly #lanes: Lanes;
  readonly #sideTopics: SideTopics;
  readonly #stockEvents: StockEvents;
  readonly #stopIdleCheck: () => void;
  readonly #canaries: Canaries;
  readonly #writers: Writers;
  readonly #subscriptions: Subscriptions;
  readonly #members: Members;
  #namespace: Namespace | undefined;
  #onTooSlow: (socket: Socket) => void = (socket) => void socket.conn.close();

  constructor(parts: FanoutParts) {
    const { broker, pubSub, cluster, clock, retention, observer } = parts;
    this.#parts = parts;
    this.receipts = new Receipts(clock, { flushDue: () => this.#writers.flushDue });
    const interest = new TopicInterest(pubSub);
    const turns = new Turns();
    this.#sideTopics = new SideTopics(pubSub, interest, parts);
    this.#stock = new StockAdapter(pubSub, interest, cluster);
    const reader = new LogReader(broker, retention);
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
      reader,
      clock,
      observer,
      deliver: (state, item) => this.#deliver(state, item),
      reset: (state, reason) => this.#reset(state, reason),
    });
    this.#writers = openWriters(parts, {
      channels: this.#channels,
      lanes: this.#lanes,
      reader,
      turns,
      receipts: this.receipts,
      encode: (item, bookmark) => this.#encode(item, bookmark),
      close: (socket) => this.#onTooSlow(socket),
    });
    this.#subscriptions = new Subscriptions({
      channels: this.#channels,
      lanes: this.#lanes,
      reader,
      writers: this.#writers,
      turns,
      receipts: this.receipts,
      clock,
      observer,
      encode: (item, bookmark) => this.#encode(item, bookmark),
      bookmarkOf: (socket) => this.bookmarkOf(socket),
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

  /** See {@link Subscriptions.subscribe}. */
  subscribe(socket: Socket, channel: Channel, options: ReplayOptions = {}): Promise<Subscribed> {
    return this.#subscriptions.subscribe(socket, channel, options);
  }

  /** See {@link Subscriptions.resume}. */
  resume(socket: Socket, channels: readonly SessionChannel[], bookmark: Bookmark): Promise<boolean> {
    return this.#subscriptions.resume(socket, channels, bookmark);
  }

  unsubscribe(socket: Socket, channel: Channel): Promise<void> {
    return this.#subscriptions.unsubscribe(socket, channel);
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
