import type { Clock } from "@fanfare/domain";
import { FlushWindow } from "./flush-window.ts";
import { Sequence } from "./sequence.ts";

/** What a round takes of one turn of the event loop, before that hears what has come meanwhile. */
const turnMs = 1;
/** Connections that are written to between two looks at the clock. */
const stride = 2;

/** Something that was collected for one connection. */
export interface Flushable {
  flush(): void;
}

export interface RoundsParts {
  readonly clock: Clock;
  /** The longest that a round is waited for, in ms. */
  readonly flushMsMax: number;
  /** A round begins: what was collected up to now will have been written when it ends. */
  begun(): void;
  /** It has ended, and wrote to so many connections. */
  ended(connections: number): void;
}

/**
 * Writes what was collected, connection by connection, in rounds that go over as many turns of the event loop as they need.
 * Who is still to come is also written what was published since the round began, and who was written to is collected for
 * again: a publication waits for one round at most. Were a round one turn, it would wait for what is left of that and then for
 * its own place in the next one.
 */
export class Rounds {
  /** Where every connection stands that was given nothing since it was last written to. */
  start = Sequence.start();
  readonly #parts: RoundsParts;
  readonly #window: FlushWindow;
  #collected: Flushable[] = [];
  /** Since it was last decided how long to wait. */
  #publications = 0;
  #due = false;
  /** The round that is under way, who is next in it, and since when. */
  #round: readonly Flushable[] = [];
  #next = 0;
  #begunMs = 0;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
    this.#window = new FlushWindow(parts.flushMsMax);
  }

  /** Whether something was collected that is about to be written. */
  get due(): boolean {
    return this.#due;
  }

  /** A publication is about to be collected for its subscribers. */
  published(): void {
    this.#publications++;
  }

  /** Puts one that has something to flush into the next round. */
  add(flushable: Flushable): void {
    this.#collected.push(flushable);
    if (!this.#due) this.#beginSoon();
  }

  /** Writes everything now. */
  finish(): void {
    this.#write(Number.POSITIVE_INFINITY);
    this.#begin();
    this.#write(Number.POSITIVE_INFINITY);
  }

  #beginSoon(): void {
    this.#due = true;
    const waitMs = this.#window.wait(this.#parts.clock.monotonic(), this.#publications);
    this.#publications = 0;
    const begin = (): void => {
      this.#begin();
      this.#goOn();
    };
    if (waitMs === 0) setImmediate(begin);
    else this.#parts.clock.after(waitMs, begin);
  }

  #begin(): void {
    if (this.#collected.length === 0) return;
    this.#round = this.#collected;
    this.#next = 0;
    this.#begunMs = this.#parts.clock.monotonic();
    this.#collected = [];
    this.start = Sequence.start();
    this.#parts.begun();
  }

  #goOn(): void {
    if (!this.#write(this.#parts.clock.monotonic() + turnMs)) {
      setImmediate(() => this.#goOn());
      return;
    }
    this.#due = false;
    if (this.#collected.length > 0) this.#beginSoon();
  }

  /** Whether nothing is left of the round. */
  #write(untilMs: number): boolean {
    const round = this.#round;
    if (round.length === 0) return true;
    for (;;) {
      const end = Math.min(this.#next + stride, round.length);
      while (this.#next < end) round[this.#next++]?.flush();
      const nowMs = this.#parts.clock.monotonic();
      if (end === round.length) {
        this.#round = [];
        this.#window.flushed(this.#begunMs, nowMs);
        this.#parts.ended(round.length);
        return true;
      }
      if (nowMs >= untilMs) return false;
    }
  }
}
