import {
  type Bookmark,
  type Broker,
  type Channel,
  type Clock,
  channelOfRoom,
  FanfareError,
  isAnnouncement,
  type Position,
  type PubSub,
  parseAnnouncement,
  type Retention,
  topicOfNode,
  withBookmark,
} from "@fanfare/domain";
import type { Namespace, Server, Socket } from "socket.io";
import { Canary } from "./canary.ts";
import type { ChannelState } from "./channel-state.ts";
import { Channels } from "./channels.ts";
import { watchIdleChannels } from "./idle-check.ts";
import { type Item, itemOfAnnouncement } from "./item.ts";
import { Lane } from "./lane.ts";
import { deliverToRoom, deliverToSocket, type EncodedEvent, encodeBinary, encodeText } from "./local-delivery.ts";
import { LogReader } from "./log-reader.ts";
import type { FanoutObserver, ResetReason } from "./observer.ts";
import { within } from "./pause.ts";
import { type ReplayOptions, replay } from "./replay.ts";
import { missedSince } from "./resume.ts";
import { StockAdapter } from "./stock-adapter.ts";
import { TopicInterest } from "./topic-interest.ts";

/** How long a subscriber waits for the broker before it is told to try again. */
const subscribeDeadlineMs = 2_000;

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
 * What it knows of a channel is in {@link Channels}, the order of delivery in the {@link Lane}, what comes before the join
 * in {@link replay}; the writing itself is local-delivery.ts.
 */
export class Fanout {
  readonly #parts: FanoutParts;
  readonly #stock: StockAdapter;
  readonly #channels: Channels;
  readonly #lane: Lane;
  readonly #reader: LogReader;
  /** Subscribe and unsubscribe of one socket and channel, one after the other. */
  readonly #turns = new WeakMap<Socket, Map<Channel, Promise<unknown>>>();
  readonly #stopIdleCheck: () => void;
  readonly #nodeTopic: string;
  readonly #canary: Canary;
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
      opened: (state, delivered) => this.#lane.opened(state, delivered),
    });
    this.#lane = new Lane(this.#channels, {
      broker,
      reader: this.#reader,
      clock,
      observer,
      deliver: (state, item) => this.#deliver(state, item),
      reset: (state, reason) => this.#reset(state, reason),
    });
    pubSub.onMessage((topic, message) => this.#hear(topic, message));
    pubSub.onLink((link) => this.#lane.linkChanged(link));
    this.#canary = new Canary({
      broker,
      clock,
      node: parts.node,
      listen: (channel) => this.#channels.hold(channel, false).opened,
      lost: () => this.#lane.doubt(),
    });
    this.#stopIdleCheck = watchIdleChannels(this.#channels, broker, clock, () => this.#lane.doubt());
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
    return this.#lane.bookmark;
  }

  /** Whether publications reach this node: the link is up, nothing is being caught up with, and canaries come back. */
  get healthy(): boolean {
    return this.#lane.flowing && this.#canary.alive;
  }

  /** How long ago a canary came back, in milliseconds. */
  get canaryAgeMs(): number | undefined {
    return this.#canary.ageMs;
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
   * A socket that is one already keeps its place, and nothing is replayed. Rejects with `BROKER_UNAVAILABLE`.
   */
  subscribe(socket: Socket, channel: Channel, options: ReplayOptions = {}): Promise<Subscribed> {
    return this.#inTurn(socket, [channel], async () => {
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
    return this.#inTurn(socket, names, async () => {
      const memberships = channels.map(([channel, joined]) => ({ state: this.#channels.hold(channel), joined }));
      try {
        const opened = Promise.all(memberships.map(({ state }) => state.opened));
        await within(subscribeDeadlineMs, opened, this.#parts.clock);
        const missed = await missedSince(memberships, bookmark.seqs[0] ?? 0, this.#reader, this.#parts.clock);
        if (missed === undefined) return false;
        // From here to the last join nothing is awaited, as in #join.
        for (const { state, reason } of missed.resets) this.#tellReset(state, reason, [socket]);
        for (const item of missed.items) if (!item.except.includes(socket.id)) deliverToSocket(socket, this.#encode(item));
        if (missed.items.length > 0) this.#parts.observer.replayed(missed.items.length);
        if (socket.connected) for (const { state } of memberships) void socket.join(state.room);
        return true;
      } finally {
        for (const { state } of memberships) this.#channels.release(state);
      }
    });
  }

  unsubscribe(socket: Socket, channel: Channel): Promise<void> {
    return this.#inTurn(socket, [channel], async () => socket.leave(this.#channels.roomOf(channel)));
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
    this.#canary.stop();
    this.#lane.close();
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
    const bookmark = this.#lane.bookmark;
    for (const item of items) deliverToSocket(socket, this.#encode({ ...item, args: withBookmark(item.args, bookmark) }));
    if (items.length > 0) this.#parts.observer.replayed(items.length);
    // Joined while the socket was closing, it would stay in the room for ever.
    if (socket.connected) void socket.join(state.room);
    const recovered = missed ? missed.recovered : joined && options.since !== undefined;
    return { epoch: delivered.epoch, offset: delivered.offset, recovered, replayed: items.length };
  }

  /** Runs `act` when everything that was asked before for the socket and any of the channels is done. */
  #inTurn<Result>(socket: Socket, channels: readonly Channel[], act: () => Promise<Result> | Result): Promise<Result> {
    const turns = this.#turns.get(socket) ?? new Map<Channel, Promise<unknown>>();
    this.#turns.set(socket, turns);
    const before = Promise.allSettled(channels.map((channel) => turns.get(channel)));
    const turn = before.then(act);
    for (const channel of channels) turns.set(channel, turn);
    const forget = (): void => {
      for (const channel of channels) if (turns.get(channel) === turn) turns.delete(channel);
    };
    turn.then(forget, forget);
    return turn;
  }

  #hear(topic: string, message: Uint8Array): void {
    const { observer } = this.#parts;
    if (topic === this.#nodeTopic) {
      this.#onNodeMessage(message);
      return;
    }
    if (!isAnnouncement(message)) {
      observer.announcement(this.#stock.hear(topic, message) ? "foreign" : "garbage");
      return;
    }
    // A channel that was just left may still be heard for a while.
    const state = this.#channels.ofTopic(topic);
    if (state === undefined) return;
    const announcement = parseAnnouncement(message);
    if (announcement === undefined) observer.announcement("garbage");
    else this.#lane.hear(state, itemOfAnnouncement(announcement));
  }

  #deliver(state: ChannelState, item: Item): void {
    if (state.channel === this.#canary.channel) this.#canary.heard();
    for (const captured of state.captures) captured.push(item);
    if (this.#namespace?.adapter.rooms.has(state.room)) {
      this.#parts.observer.delivered(deliverToRoom(this.#namespace, state.room, item.except, this.#encode(item)));
    }
  }

  #reset(state: ChannelState, reason: ResetReason): void {
    const ids = this.#namespace?.adapter.rooms.get(state.room) ?? [];
    const sockets = [...ids].flatMap((id) => this.#namespace?.sockets.get(id) ?? []);
    this.#tellReset(state, reason, sockets);
  }

  #tellReset({ channel }: ChannelState, reason: ResetReason, sockets: readonly Socket[]): void {
    this.#parts.observer.reset(reason);
    for (const socket of sockets) this.send(socket, "fanfare:reset", { channel, reason });
  }

  #encode({ args, binary }: Item): EncodedEvent {
    const text = this.#parts.bookmarks ? args : withBookmark(args, null);
    return binary ? encodeBinary(text) : encodeText(text);
  }
}
