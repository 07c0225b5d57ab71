import type { ErrorBody } from "@fanfare/domain";
import type { ResetReason, Start } from "./continuity.ts";
import { publicationOf } from "./publication.ts";
import { ask, jittered, pause } from "./request.ts";
import type { StockSocket } from "./stock-socket.ts";
import { type Follower, Subscription } from "./subscription.ts";

/** Where a socket's hub is kept: on the socket, because that is how long it lives. */
const key = Symbol("fanfare.channels");

/** The channels of one socket: one subscription each, however many follow it. */
export class Hub {
  readonly #socket: StockSocket;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Channels that nobody here follows any more and that the session may still be in. */
  readonly #leaving = new Map<string, Promise<void>>();

  static of(socket: StockSocket & { [key]?: Hub }): Hub {
    socket[key] ??= new Hub(socket);
    return socket[key];
  }

  private constructor(socket: StockSocket) {
    this.#socket = socket;
    socket.onAny((event, ...args) => this.#hear(event, args));
    socket.on("connect", () => {
      for (const [channel, subscription] of this.#subscriptions) if (!this.#leaving.has(channel)) subscription.connected();
    });
    socket.on("disconnect", () => {
      for (const subscription of this.#subscriptions.values()) subscription.disconnected();
      // A packet that comes in the turn in which its connection ends is kept for the next one (socket.io-client 4.8 decodes
      // first and hands on a microtask later), but the place it was heard up to is not moved: the server sends it again.
      setTimeout(() => socket.receiveBuffer.splice(0));
    });
  }

  /** Adds a follower. Whoever is the first starts the subscription, at `start`. */
  follow(channel: string, follower: Follower, start: Start, answerMs: number): { subscription: Subscription; first: boolean } {
    const shared = this.#subscriptions.get(channel);
    shared?.followers.add(follower);
    if (shared !== undefined) return { subscription: shared, first: false };
    const subscription = new Subscription(this.#socket, channel, start, answerMs);
    subscription.followers.add(follower);
    this.#subscriptions.set(channel, subscription);
    const begin = (): void => {
      if (this.#subscriptions.get(channel) === subscription && this.#socket.connected) subscription.connected();
    };
    // What still comes of the subscription before this one would be taken for this one's. And in no case at once: nobody has
    // had the time to call `on`.
    void (this.#leaving.get(channel) ?? Promise.resolve()).then(begin);
    return { subscription, first: true };
  }

  /** Takes a follower away; with the last one the subscription ends. */
  unfollow(channel: string, follower: Follower, answerMs: number): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined || !subscription.followers.delete(follower) || subscription.followers.size > 0) return;
    subscription.stop();
    this.#subscriptions.delete(channel);
    if (this.#leaving.has(channel)) return;
    const left = this.#leave(channel, answerMs).finally(() => this.#leaving.delete(channel));
    this.#leaving.set(channel, left);
  }

  /** Until the server has confirmed it, or the session is over: one that is taken up again has its channels again. */
  async #leave(channel: string, answerMs: number): Promise<void> {
    for (;;) {
      if (!this.#socket.connected && !(await this.#resumes())) return;
      const answer = await ask(this.#socket, "unsubscribe", { channel }, answerMs);
      if (answer === undefined) continue;
      if (answer.ok || answer.error.retryAfterMs === undefined) return;
      await pause(jittered(answer.error.retryAfterMs));
    }
  }

  /** Waits for the next connection, and says whether it goes on with the same session. */
  #resumes(): Promise<boolean> {
    return new Promise((resolve) => {
      const connected = (): void => {
        this.#socket.off("connect", connected);
        resolve(this.#socket.recovered);
      };
      this.#socket.on("connect", connected);
    });
  }

  #hear(event: string, args: readonly unknown[]): void {
    if (event === "fanfare:reset") {
      const { channel, reason } = args[0] as { channel: string; reason: ResetReason };
      this.#settled(channel)?.lost(reason);
    } else if (event === "fanfare:unsubscribed") {
      const { channel, code } = args[0] as { channel: string; code: ErrorBody["code"] };
      this.#settled(channel)?.ended(code);
    } else {
      const publication = publicationOf(event, args);
      if (publication !== undefined) this.#settled(publication.channel)?.hear(publication);
    }
  }

  #settled(channel: string): Subscription | undefined {
    return this.#leaving.has(channel) ? undefined : this.#subscriptions.get(channel);
  }
}
