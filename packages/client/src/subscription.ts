import type { ErrorBody, Position } from "@fanfare/domain";
import { judge, later, type ResetReason, reasonToReset, type Start, type Subscribed, wasSubscribed } from "./continuity.ts";
import type { Publication } from "./publication.ts";
import { ask, jittered, pause } from "./request.ts";
import type { FailureCode } from "./request-error.ts";
import type { StockSocket } from "./stock-socket.ts";
import { type Counts, counted, nothingYet, type Tally, withoutHoles } from "./tally.ts";

/**
 * - `subscribing`  not heard for now: not answered yet, or the connection is being made
 * - `live`         every publication arrives
 * - `refused`      the server said no; asked again with the next connection
 */
export type ChannelState = "subscribing" | "live" | "refused";

/** Why a channel is refused, or why the last try to subscribe to it has failed. */
export interface Refusal {
  readonly code: FailureCode;
  readonly message: string;
  /** Only where trying again can help; it is tried again. */
  readonly retryAfterMs?: number;
}

/** Whoever shares a subscription. What it is told it is told in this order; it MUST NOT throw. */
export interface Follower {
  /** How many publications it wants again after a reset. */
  readonly rewind: number | undefined;
  publication(publication: Publication): void;
  /** The channel goes on from `top`, and what lies before is lost. Up to `rewind` publications up to `top` follow. */
  reset(reason: ResetReason, top: Position): void;
  changed(): void;
}

/** One channel of one socket, however many listen to it: keeps it subscribed, and knows how far it was heard. */
export class Subscription {
  readonly followers = new Set<Follower>();
  readonly #socket: StockSocket;
  readonly #channel: string;
  readonly #answerMs: number;
  #start: Start;
  #position: Position | undefined;
  #refused = false;
  #refusal: Refusal | undefined;
  #tally: Tally = nothingYet;
  /** Whether the session is in the channel, as far as the server has confirmed it. */
  #joined = false;
  /** What the followers have to be told as soon as it is known where the channel goes on. Survives reconnects. */
  #reset: ResetReason | undefined;
  /** Counts up; what belongs to an earlier attempt no longer counts. */
  #attempt = 0;
  /** What has come since the subscribe that is under way; undefined while what comes belongs to none. */
  #held: Publication[] | undefined;

  constructor(socket: StockSocket, channel: string, start: Start, answerMs: number) {
    this.#socket = socket;
    this.#channel = channel;
    this.#start = start;
    this.#answerMs = answerMs;
  }

  get state(): ChannelState {
    if (this.#refused) return "refused";
    return this.#joined && this.#socket.connected ? "live" : "subscribing";
  }

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  get counts(): Counts {
    return this.#tally.counts;
  }

  /** The socket is connected. A session taken up again has its channels, and the server sends what was missed. */
  connected(): void {
    if (this.#joined && this.#socket.recovered) this.#tellChange();
    else this.#subscribe();
  }

  disconnected(): void {
    this.#attempt++;
    this.#held = undefined;
    this.#tellChange();
  }

  /** `fanfare:reset`. Followers hear of it when it is known where the channel goes on, so that nothing falls in between. */
  lost(reason: ResetReason): void {
    this.#reset = reason;
    this.#subscribe();
  }

  /** `fanfare:unsubscribed`. */
  ended(code: ErrorBody["code"]): void {
    // During a subscribe it may speak of the time before it: asking again tells.
    if (this.#joined) this.#refuse({ code, message: `The server has ended the subscription to ${this.#channel}.` });
    else if (!this.#refused) this.#subscribe();
  }

  hear(publication: Publication): void {
    if (this.#joined) this.#take(publication);
    else this.#held?.push(publication);
  }

  /** Nothing is delivered afterwards. */
  stop(): void {
    this.#attempt++;
    this.#joined = false;
    this.#held = undefined;
    this.followers.clear();
  }

  #subscribe(): void {
    this.#attempt++;
    this.#joined = false;
    this.#refused = false;
    this.#refusal = undefined;
    this.#held = undefined;
    this.#tellChange();
    if (this.#socket.connected) void this.#run(this.#attempt);
  }

  async #run(attempt: number): Promise<void> {
    const current = (): boolean => attempt === this.#attempt;
    // With a reset pending, the channel is joined on purpose: the log is asked for only where somebody wants it again.
    let leaves = this.#reset !== undefined && this.#startNow().rewind !== undefined;
    let left = false;
    while (current()) {
      // What still comes of the time before must not be taken for what this subscribe brings.
      this.#held = undefined;
      if (leaves && !left) {
        const answer = await this.#ask("unsubscribe", { channel: this.#channel });
        if (!current()) return;
        left = answer?.ok === true;
        if (answer?.ok !== true) {
          await this.#failed(answer?.error);
          continue;
        }
      }
      this.#held = [];
      const start = this.#startNow();
      const answer = await this.#ask("subscribe", { channel: this.#channel, ...start });
      if (!current()) return;
      if (answer?.ok !== true) {
        // It may have been done all the same, and what it sent is thrown away here: ask from the same place again.
        left = false;
        await this.#failed(answer?.error);
      } else if (!left && wasSubscribed(start, answer)) {
        leaves = true;
      } else {
        this.#settle(start, answer);
        return;
      }
    }
  }

  #ask(event: "subscribe" | "unsubscribe", request: object) {
    return ask<Subscribed>(this.#socket, event, request, this.#answerMs);
  }

  /** Resolves when it is time to try again, if it is not over: nobody has answered, or the server said no. */
  async #failed(error: ErrorBody | undefined): Promise<void> {
    if (error !== undefined && error.retryAfterMs === undefined) {
      this.#refuse(error);
      return;
    }
    this.#refusal = error ?? { code: "NO_ANSWER", message: "The node does not answer." };
    this.#tellChange();
    if (error?.retryAfterMs !== undefined) await pause(jittered(error.retryAfterMs));
  }

  /** From the position reached; before there is one, from where the first follower wanted to start. */
  #startNow(): Start {
    const since = this.#reset === undefined ? (this.#position ?? this.#start.since) : undefined;
    const rewinds = [...this.followers].flatMap(({ rewind }) => rewind ?? []);
    const first = this.#position === undefined && this.#reset === undefined ? this.#start.rewind : undefined;
    const rewind = first ?? (rewinds.length > 0 ? Math.max(...rewinds) : undefined);
    return { ...(since === undefined ? {} : { since }), ...(rewind === undefined ? {} : { rewind }) };
  }

  #settle(start: Start, answer: Subscribed): void {
    const held = this.#held ?? [];
    const { epoch, offset } = answer;
    const reason = this.#reset ?? reasonToReset(start, answer);
    this.#reset = undefined;
    this.#held = undefined;
    this.#refusal = undefined;
    this.#joined = true;
    if (reason !== undefined) {
      this.#position = undefined;
      this.#tally = withoutHoles(this.#tally);
      for (const follower of [...this.followers]) follower.reset(reason, { epoch, offset });
    } else {
      this.#position ??= start.since;
    }
    const attempt = this.#attempt;
    for (const publication of held) {
      // A handler may have closed the channel, or a publication have shown that the log has started over again.
      if (attempt !== this.#attempt) return;
      this.#take(publication);
    }
    if (attempt !== this.#attempt) return;
    this.#position = later(this.#position, answer);
    this.#tellChange();
  }

  #take(publication: Publication): void {
    const { epoch, offset } = publication;
    const verdict = judge(this.#position, publication);
    if (verdict === "foreign") {
      this.lost("epoch_changed");
      return;
    }
    this.#tally = counted(this.#tally, this.#position, publication);
    if (verdict === "stale") return;
    this.#position = { epoch, offset };
    for (const follower of [...this.followers]) follower.publication(publication);
  }

  #refuse(error: ErrorBody): void {
    this.#attempt++;
    this.#joined = false;
    this.#held = undefined;
    this.#refused = true;
    this.#refusal = error;
    this.#tellChange();
  }

  #tellChange(): void {
    for (const follower of [...this.followers]) follower.changed();
  }
}
