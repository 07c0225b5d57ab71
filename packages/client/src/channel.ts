import type { Position } from "@fanfare/domain";
import { catchUp } from "./catch-up.ts";
import { later, type ResetReason, type Start } from "./continuity.ts";
import { type EventMap, Handlers } from "./handlers.ts";
import { type HistoryOptions, pagesOf } from "./history.ts";
import { Hub } from "./hub.ts";
import type { Context, Publication } from "./publication.ts";
import { type Published, type PublishOptions, publish } from "./publish.ts";
import { answerMsDefault, type Patience, patienceMsDefault } from "./request.ts";
import type { StockSocket } from "./stock-socket.ts";
import type { ChannelState, Follower, Refusal, Subscription } from "./subscription.ts";
import type { Counts } from "./tally.ts";

export interface Reset {
  readonly channel: string;
  readonly reason: ResetReason;
}

export interface ChannelOptions {
  /** Go on behind this position: what a former page or process has noted down. */
  readonly since?: Position | undefined;
  /** Begin with this many of the last publications, and again after every reset. */
  readonly rewind?: number | undefined;
  /** The log cannot be given without a hole: load from your source of truth. What is published from here on follows. */
  readonly onReset?: ((reset: Reset) => void) | undefined;
  /** Called after each change of `state` or `refusal`. */
  readonly onState?: ((state: ChannelState, refusal: Refusal | undefined) => void) | undefined;
  /** What a handler has thrown. Default: as any uncaught exception of the page or the process. */
  readonly onError?: ((thrown: unknown) => void) | undefined;
  /** How long a request may stay unanswered before it is sent again. */
  readonly answerMs?: number | undefined;
  /** How long `publish` and `history` try before they reject. */
  readonly patienceMs?: number | undefined;
}

/** One channel, heard by one listener. Any number of them share one subscription of their socket. */
export interface Channel<Events extends EventMap = EventMap> {
  readonly name: string;
  readonly state: ChannelState;
  /** Why the state is `refused`; while it is `subscribing`, why the last try has failed. */
  readonly refusal: Refusal | undefined;
  /** Up to where everything was delivered here; undefined before the channel is live for the first time. */
  readonly position: Position | undefined;
  /** Of the subscription, so of everybody who shares it. */
  readonly counts: Counts;
  /** Calls back for publications of this event name, or of every one with `"*"`. The returned function ends that. */
  on(event: "*", handler: (data: Events[keyof Events], context: Context) => void): () => void;
  on<Event extends keyof Events & string>(event: Event, handler: (data: Events[Event], context: Context) => void): () => void;
  /** Publishes, and tries again under the same id, so that it is stored once. Rejects with a `RequestError`. */
  publish(data: unknown, options?: PublishOptions): Promise<Published>;
  /** Reads the log, in pages. */
  history(options?: HistoryOptions): AsyncIterable<Publication<Events[keyof Events]>>;
  /** Ends it for this listener; nothing is delivered afterwards. The last one of its channel unsubscribes. */
  close(): void;
}

/**
 * Follows a channel over a stock socket, across reconnects: each publication once, in order, and `onReset` where that cannot
 * be. The socket stays yours: its options, its connection, whatever else it does.
 */
export function channel<Events extends EventMap = EventMap>(
  socket: StockSocket,
  name: string,
  options: ChannelOptions = {},
): Channel<Events> {
  return new Listener<Events>(socket, name, options);
}

class Listener<Events extends EventMap> implements Channel<Events>, Follower {
  readonly name: string;
  readonly rewind: number | undefined;
  readonly #socket: StockSocket;
  readonly #options: ChannelOptions;
  readonly #start: Start;
  readonly #patience: Patience;
  readonly #handlers: Handlers;
  readonly #subscription: Subscription;
  /** What has come while the log is read for a listener that joined others; undefined for one that is up to date. */
  #held: Publication[] | undefined;
  #catchingUp = false;
  /** Joined others that are not live yet: what they are given from the log is not for this one. */
  #waiting = false;
  #position: Position | undefined;
  /** As last told to `onState`. */
  #state: ChannelState = "subscribing";
  #refusal: Refusal | undefined;
  #closed = false;

  constructor(socket: StockSocket, name: string, options: ChannelOptions) {
    const { answerMs = answerMsDefault, patienceMs = patienceMsDefault } = options;
    this.name = name;
    this.rewind = options.rewind === 0 ? undefined : options.rewind;
    this.#socket = socket;
    this.#options = options;
    // A context will do as a position, and it has more fields than the server takes.
    const since = options.since && { epoch: options.since.epoch, offset: options.since.offset };
    this.#start = { since, rewind: this.rewind };
    this.#patience = { answerMs, patienceMs };
    this.#handlers = new Handlers(options.onError);
    const { subscription, first } = Hub.of(socket).follow(name, this, this.#start, answerMs);
    this.#subscription = subscription;
    if (first) return;
    if (since !== undefined || this.rewind !== undefined) this.#held = [];
    else this.#waiting = subscription.state !== "live";
    queueMicrotask(() => this.changed());
  }

  get state(): ChannelState {
    return this.#closed ? "subscribing" : this.#subscription.state;
  }

  get refusal(): Refusal | undefined {
    return this.#subscription.refusal;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  get counts(): Counts {
    return this.#subscription.counts;
  }

  on(event: string, handler: (data: never, context: Context) => void): () => void {
    return this.#handlers.add(event, handler);
  }

  publish(data: unknown, options: PublishOptions = {}): Promise<Published> {
    return publish(this.#socket, this.name, data, options, this.#patience);
  }

  async *history(options: HistoryOptions = {}): AsyncGenerator<Publication<Events[keyof Events]>, void, undefined> {
    for await (const page of pagesOf(this.#socket, this.name, options, this.#patience)) {
      yield* page.publications as readonly Publication<Events[keyof Events]>[];
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = undefined;
    Hub.of(this.#socket).unfollow(this.name, this, this.#patience.answerMs);
  }

  publication(publication: Publication): void {
    if (this.#waiting) return;
    if (this.#held === undefined) this.#take(publication);
    else this.#held.push(publication);
  }

  reset(reason: ResetReason, { epoch, offset }: Position): void {
    if (this.#closed) return;
    // A reading of the log that is under way belongs to the time before.
    this.#held = undefined;
    this.#waiting = false;
    // What another listener wants again is not for this one: it loads everything up to here from elsewhere.
    this.#position = { epoch, offset: Math.max(0, offset - (this.rewind ?? 0)) };
    this.#handlers.guard(() => this.#options.onReset?.({ channel: this.name, reason }));
  }

  changed(): void {
    if (this.#closed) return;
    const { state, refusal, position } = this.#subscription;
    if (state === "live") {
      this.#waiting = false;
      if (this.#held !== undefined) void this.#catchUp();
      else if (position !== undefined) this.#position = later(this.#position, position);
    }
    if (state === this.#state && refusal?.code === this.#refusal?.code) return;
    this.#state = state;
    this.#refusal = refusal;
    this.#handlers.guard(() => this.#options.onState?.(state, refusal));
  }

  #take(publication: Publication): void {
    const { epoch, offset } = publication;
    if (this.#closed || (this.#position?.epoch === epoch && offset <= this.#position.offset)) return;
    this.#position = { epoch, offset };
    this.#handlers.call(publication);
  }

  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    const held = this.#held;
    const current = (): boolean => held !== undefined && this.#held === held;
    const reason = await catchUp(this.#socket, this.name, this.#start, this.#patience, (publication) => {
      if (current()) this.#take(publication);
    });
    this.#catchingUp = false;
    if (!current()) return;
    this.#held = undefined;
    if (reason !== undefined) {
      this.#position = undefined;
      this.#handlers.guard(() => this.#options.onReset?.({ channel: this.name, reason }));
    }
    for (const publication of held ?? []) this.#take(publication);
    this.changed();
  }
}
