/** A flush that takes less than this is no load, however often it comes: joining within one turn is enough. */
const heavyMs = 0.5;
/** The node is loaded when it is idle between two flushes for less than this share of the time that a flush takes. */
const idleShare = 0.5;
/** With so many publications from one flush to the next, they are joined anyway: this share of the longest wait is enough. */
const manyPublications = 3;
const shareOfMany = 0.6;

/**
 * How long publications are collected before they are written. Nothing is waited for while the node keeps up: what came in
 * one turn of the event loop is written at its end. When flushes follow one another so closely that little time is left
 * between them, the wait doubles from 1 ms on, so that each flush writes more per connection; with the load gone it halves.
 * Where few publications come, a longer wait is needed to join two of them at all, and that halves the writing.
 */
export class FlushWindow {
  readonly #msMax: number;
  #ms = 0;
  #tookMs = 0;
  #endedAtMs = Number.NEGATIVE_INFINITY;

  constructor(msMax: number) {
    this.#msMax = msMax;
  }

  /** Asked when the first publication since the last flush has come, and so many since it was asked before: how long to wait. */
  wait(nowMs: number, publications: number): number {
    const loaded = this.#tookMs >= heavyMs && nowMs - this.#endedAtMs < this.#tookMs * idleShare;
    const msMax = publications < manyPublications ? this.#msMax : this.#msMax * shareOfMany;
    if (loaded) this.#ms = Math.min(msMax, Math.max(1, this.#ms * 2));
    else this.#ms = this.#ms >= 2 ? this.#ms / 2 : 0;
    return this.#ms;
  }

  /** To be told of every flush. */
  flushed(fromMs: number, toMs: number): void {
    this.#tookMs = toMs - fromMs;
    this.#endedAtMs = toMs;
  }
}
