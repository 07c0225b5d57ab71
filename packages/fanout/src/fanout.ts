import {
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
  withBookmark,
} from "@fanfare/domain";
import type { Namespace, Server, Socket } from "socket.io";
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
import { StockAdapter } from "./stock-adapter.ts";
import { TopicInterest } from "./topic-interest.ts";

/** How long a subscriber waits for the broker before it is told to try again. */
const subscribeDeadlineMs = 2_000;

export interface FanoutParts {
  readonly broker: Broker;
  readonly pubSub: PubSub;
  /** Prefix of all topics, see FANFARE_CLUSTER. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly retention: (channel: Channel) => Retention;
  readonly observer: FanoutObserver;
}

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
  #namespace: Namespace | undefined;

  constructor(parts: FanoutParts) {
    const { broker, pubSub, cluster, clock, retention, observer } = parts;
    this.#parts = parts;
    const interest = new TopicInterest(pubSub);
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

  /** Whether publications reach this node now. */
  get flowing(): boolean {
    return this.#lane.flowing;
  }

  /** The channels with subscribers on this node, and how many. */
  *subscribers(): Iterable<[Channel, number]> {
    for (const { channel, room } of this.#channels) yield [channel, this.#namespace?.adapter.rooms.get(room)?.size ?? 0];
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
    return this.#inTurn(socket, channel, async () => {
      const state = this.#channels.hold(channel);
      try {
        await within(subscribeDeadlineMs, state.opened, this.#parts.clock);
        return await this.#join(socket, state, options);
      } finally {
        this.#channels.release(state);
      }
    });
  }

  unsubscribe(socket: Socket, channel: Channel): Promise<void> {
    return this.#inTurn(socket, channel, async () => socket.leave(this.#channels.roomOf(channel)));
  }

  /** Sends one event to one socket, past the adapter: what it hears from us directly is not a publication. */
  send(socket: Socket, event: string, ...args: readonly unknown[]): void {
    deliverToSocket(socket, encodeText(JSON.stringify([event, ...args])));
  }

  close(): void {
    this.#stopIdleCheck();
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
    for (const item of items) deliverToSocket(socket, encode({ ...item, args: withBookmark(item.args, bookmark) }));
    if (items.length > 0) this.#parts.observer.replayed(items.length);
    // Joined while the socket was closing, it would stay in the room for ever.
    if (socket.connected) void socket.join(state.room);
    const recovered = missed ? missed.recovered : joined && options.since !== undefined;
    return { epoch: delivered.epoch, offset: delivered.offset, recovered, replayed: items.length };
  }

  #inTurn<Result>(socket: Socket, channel: Channel, act: () => Promise<Result> | Result): Promise<Result> {
    const turns = this.#turns.get(socket) ?? new Map<Channel, Promise<unknown>>();
    this.#turns.set(socket, turns);
    const turn = (turns.get(channel) ?? Promise.resolve()).then(act, act);
    turns.set(channel, turn);
    const forget = (): void => {
      if (turns.get(channel) === turn) turns.delete(channel);
    };
    turn.then(forget, forget);
    return turn;
  }

  #hear(topic: string, message: Uint8Array): void {
    const { observer } = this.#parts;
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
    for (const captured of state.captures) captured.push(item);
    if (this.#namespace?.adapter.rooms.has(state.room)) {
      this.#parts.observer.delivered(deliverToRoom(this.#namespace, state.room, item.except, encode(item)));
    }
  }

  #reset(state: ChannelState, reason: ResetReason): void {
    this.#parts.observer.reset(reason);
    const notice = encodeText(JSON.stringify(["fanfare:reset", { channel: state.channel, reason }]));
    if (this.#namespace !== undefined) deliverToRoom(this.#namespace, state.room, [], notice);
  }
}

function encode({ args, binary }: Item): EncodedEvent {
  return binary ? encodeBinary(args) : encodeText(args);
}
