import {
  type Bookmark,
  type Broker,
  type Channel,
  type Clock,
  channelOfRoom,
  FanfareError,
  formatBookmark,
  isAnnouncement,
  isChannelName,
  isEventName,
  type Position,
  type PubSub,
  parseAnnouncement,
  type Retention,
  topicOfNode,
  withBookmark,
} from "@fanfare/domain";
import type { Namespace, Server, Socket } from "socket.io";
import { Canaries } from "./canaries.ts";
import type { ChannelState } from "./channel-state.ts";
import { Channels } from "./channels.ts";
import { within } from "./deadline.ts";
import { watchIdleChannels } from "./idle-check.ts";
import { type Item, itemOfAnnouncement } from "./item.ts";
import { Lanes } from "./lanes.ts";
import { deliverToRoom, deliverToSocket, type EncodedEvent, encodeBinary, encodeText } from "./local-delivery.ts";
import { LogReader } from "./log-reader.ts";
import type { FanoutObserver, ResetReason } from "./observer.ts";
import { type ReplayOptions, replay } from "./replay.ts";
import { missedSince } from "./resume.ts";
import { StockAdapter } from "./stock-adapter.ts";
import { TopicInterest } from "./topic-interest.ts";
import { Turns } from "./turns.ts";

/** How long a subscriber waits for the broker before it is told to try again. */
const subscribeDeadlineMs = 2_000;
/** `PacketType.EVENT` of the Socket.IO protocol. */
const eventPacket = 2;

export interface FanoutParts {
  readonly broker: Broker;
  readonly pubSub: PubSub;
  /** Prefix of all topics, see FANFARE_CLUSTER. */
  readonly cluster: string;
  /** Name of this node. */
  readonly node: string;
  /** Whether publications carry bookmarks: without recovery nobody would use them. */
  readonly bookmarks: boolean;
  readonly clock: Clock;
  readonly retention: (channel: Channel) => Retention;
  readonly observer: FanoutObserver;
}

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
 * in {@link replay} and {@link missedSince}; the writing itself is local-delivery.ts.
 */
export class Fanout {
  readonly #parts: FanoutParts;
  readonly #stock: StockAdapter;
  readonly #channels: Channels;
  readonly #lanes: Lanes;
  readonly #reader: LogReader;
  readonly #stopIdleCheck: () => void;
  readonly #nodeTopic: string;
  readonly #canaries: Canaries;
  readonly #turns = new Turns();
  readonly #positions = new WeakMap<Socket, Map<Channel, Position>>();
  #namespace: Namespace | undefined;
  #onNodeMessage: (message: Uint8Array) => void = () => undefined;

  constructor(parts: FanoutParts) {
    const { broker, pubSub, cluster, clock, retention, observer } = parts;
    this.#parts = parts;
    this.#nodeTopic = topicOfNode(cluster, parts.node);
    const interest = new TopicInterest(pubSub);
    // Kept subscribed for good: the promise settles when the broker is there, and nobody waits for that.
    interest.acquire(this.#nodeTopic).catch(() => undefined);
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
    pubSub.onMessage((topic, message) => this.#hear(topic, message));
    pubSub.onLink((link, partition) => this.#lanes.linkChanged(link, partition));
    const doubt = (partition: number): void => this.#lanes.doubt(partition);
    const listen = (channel: Channel): Promise<void> => this.#channels.hold(channel, false).opened;
    this.#canaries = new Canaries({ broker, clock, node: parts.node, listen, lost: doubt });
    this.#stopIdleCheck = watchIdleChannels(this.#channels, broker, clock, doubt);
  }

  /** The adapter for `new Server({ adapter })`. */
  get adapter(): ReturnType<StockAdapter["create"]> {
    return this.#stock.create();
  }

  /** Delivers to the main namespace of this server from now on. Called once. */
  attach(server: Server): void {
    this.#namespace = server.of("/");
    this.#namespace.adapter.on("delete-room", (room: string) => {
      const state = this.#channels.ofRoom(room);
      if (state !== undefined) this.#channels.dropIfUnused(state);
    });
  }

  /** Up to where every session here has heard its channels. */
  get bookmark(): string {
    return this.#lanes.bookmark;
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

  /** The channels with subscribers on this node, and how many. */
  *subscribers(): Iterable<[Channel, number]> {
    for (const { channel, room } of this.#channels) {
      const size = this.#namespace?.adapter.rooms.get(room)?.size ?? 0;
      if (size > 0) yield [channel, size];
    }
  }

  isSubscribed(socket: Socket, channel: Channel): boolean {
    return socket.rooms.has(this.#channels.roomOf(channel));
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
          deliverToSocket(socket, resetNotice(state.channel, reason));
        }
        const heard = [...bookmark.seqs];
        for (const { partition, item } of missed.items) {
          heard[partition] = item.seq;
          if (item.except.includes(socket.id)) continue;
          deliverToSocket(socket, this.#encode(item, formatBookmark({ seqs: heard })));
        }
        if (missed.items.length > 0) observer.replayed(missed.items.length);
        const lost = new Set(missed.resets.map(({ state }) => state));
        for (const { state, joined } of memberships) {
          if (socket.connected) void socket.join(state.room);
          if (!lost.has(state)) this.#heardFrom(socket).set(state.channel, joined);
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
    if (this.#namespace === undefined || !isEventName(args[0])) {
      this.#parts.observer.announcement("garbage");
      return;
    }
    this.#parts.observer.announcement("foreign");
    const opts = { rooms: this.#roomsNamed(rooms), except: this.#roomsNamed(except), flags: { local: true } };
    if (rooms.length > 0 && opts.rooms.size === 0) return;
    // Through the stock encoder: what an emitter sends may have binaries anywhere.
    this.#namespace.adapter.broadcast({ type: eventPacket, data: [...args], nsp: "/" }, opts);
    if (typeof args.at(-1) === "string") this.#restoreBookmarks([...opts.rooms]);
  }

  /** Sends one event to one socket, past the adapter: what it hears from us directly is not a publication. */
  send(socket: Socket, event: string, ...args: readonly unknown[]): void {
    deliverToSocket(socket, encodeText(JSON.stringify([event, ...args])));
  }

  /** Says something to another node, at most once; a node that is gone is not an error. */
  async tell(node: string, message: Uint8Array): Promise<void> {
    await this.#parts.pubSub.publish(topicOfNode(this.#parts.cluster, node), message);
  }

  /** Registers who hears what {@link tell} said on another node. It MUST take any bytes and MUST NOT throw. */
  onNodeMessage(listener: (message: Uint8Array) => void): void {
    this.#onNodeMessage = listener;
  }

  close(): void {
    this.#stopIdleCheck();
    this.#canaries.stop();
    this.#lanes.close();
  }

  async #join(socket: Socket, state: ChannelState, options: ReplayOptions): Promise<Subscribed> {
    const joined = socket.rooms.has(state.room);
    const asksForReplay = options.since !== undefined || options.rewind !== undefined;
    const missed = !joined && asksForReplay && (await replay(state, this.#reader, this.#parts.clock, options));
    // From here to the join nothing is awaited: what were delivered in between would be lost.
    const { delivered } = state;
    if (delivered === undefined) throw new FanfareError("BROKER_UNAVAILABLE");
    const items = missed ? missed.items.filter(({ except }) => !except.includes(socket.id)) : [];
    // With their own bookmarks they would take the client back behind what it has heard of its other channels.
    const { bookmark } = this;
    for (const item of items) deliverToSocket(socket, this.#encode(item, bookmark));
    if (items.length > 0) this.#parts.observer.replayed(items.length);
    // Joined while the socket was closing, it would stay in the room for ever.
    if (socket.connected) void socket.join(state.room);
    const recovered = joined ? this.#hasHeard(socket, state.channel, options.since) : missed ? missed.recovered : false;
    if (!joined) this.#heardFrom(socket).set(state.channel, recovered && options.since ? options.since : delivered);
    return { epoch: delivered.epoch, offset: delivered.offset, recovered, replayed: items.length };
  }

  /** Per channel, the position behind which this socket has been sent everything. */
  #heardFrom(socket: Socket): Map<Channel, Position> {
    const known = this.#positions.get(socket) ?? new Map<Channel, Position>();
    this.#positions.set(socket, known);
    return known;
  }

  /** Whether a socket that is in the channel has been sent everything after `since`: it gets no replay. */
  #hasHeard(socket: Socket, channel: Channel, since: Position | undefined): boolean {
    const from = this.#heardFrom(socket).get(channel);
    return since !== undefined && since.epoch === from?.epoch && since.offset >= from.offset;
  }

  #hear(topic: string, message: Uint8Array): void {
    const { observer } = this.#parts;
    if (topic === this.#nodeTopic) {
      this.#onNodeMessage(message);
      return;
    }
    if (!isAnnouncement(message)) {
      const foreign = this.#stock.hear(topic, message);
      observer.announcement(foreign === undefined ? "garbage" : "foreign");
      if (foreign?.endsInString) this.#restoreBookmarks(foreign.rooms);
      return;
    }
    // A channel that was just left may still be heard for a while.
    const state = this.#channels.ofTopic(topic);
    if (state === undefined) return;
    const announcement = parseAnnouncement(message);
    if (announcement === undefined) observer.announcement("garbage");
    else this.#lanes.of(state).hear(state, itemOfAnnouncement(announcement));
  }

  #roomsNamed(names: readonly string[]): Set<string> {
    const { sockets } = this.#namespace ?? {};
    return new Set(
      names.flatMap((name) => [
        ...(isChannelName(name) ? [this.#channels.roomOf(name)] : []),
        // A session's private room: only ever by an id that is connected here.
        ...(sockets?.has(name) ? [name] : []),
      ]),
    );
  }

  /**
   * Stock clients took the last string of a foreign event for their bookmark. An event that nobody listens to gives them
   * theirs back, so that they can still be recovered.
   */
  #restoreBookmarks(rooms: readonly string[]): void {
    if (this.#namespace === undefined || !this.#parts.bookmarks) return;
    const notice = encodeText(JSON.stringify(["fanfare:bookmark", this.bookmark]));
    const { adapter, sockets } = this.#namespace;
    const ids = rooms.length === 0 ? sockets.keys() : new Set(rooms.flatMap((room) => [...(adapter.rooms.get(room) ?? [])]));
    for (const id of ids) {
      const socket = sockets.get(id);
      if (socket !== undefined) deliverToSocket(socket, notice);
    }
  }

  #deliver(state: ChannelState, item: Item): void {
    this.#canaries.heard(state.channel);
    for (const captured of state.captures) captured.push(item);
    if (this.#namespace?.adapter.rooms.has(state.room)) {
      const encoded = this.#encode(item, this.#lanes.isBookmark(item.seq) ? undefined : this.bookmark);
      this.#parts.observer.delivered(deliverToRoom(this.#namespace, state.room, item.except, encoded));
    }
  }

  #reset({ channel, room }: ChannelState, reason: ResetReason): void {
    this.#parts.observer.reset(reason);
    if (this.#namespace !== undefined) deliverToRoom(this.#namespace, room, [], resetNotice(channel, reason));
  }

  /** With the bookmark that it brings along, or with another one. */
  #encode({ args, binary, logged }: Item, bookmark?: string): EncodedEvent {
    const { bookmarks } = this.#parts;
    const kept = bookmarks && logged ? bookmark : null;
    const text = kept === undefined ? args : withBookmark(args, kept);
    return binary ? encodeBinary(text) : encodeText(text);
  }
}

function resetNotice(channel: Channel, reason: ResetReason): EncodedEvent {
  return encodeText(JSON.stringify(["fanfare:reset", { channel, reason }]));
}
