/** A flush that takes less than this is no load, however often it comes: joining within one turn is enough. */
const heavyMs = 0.5;
/** Between two flushes the node rests for at least this share of the time that the first of them took. */
const restShare = 0.4;

/**
 * How long publications are collected before they are written. Nothing is waited for while the node keeps up: what came in
 * one turn of the event loop is written at its end. When flushes follow one another so closely that little time is left
 * between them, the rest that is lacking is waited for, so that each flush writes more per connection, and flushing leaves
 * the node three tenths of its time for everything else.
 */
export class FlushWindow {
  readonly #msMax: number;
  #tookMs = 0;
  #endedAtMs = Number.NEGATIVE_INFINITY;

  constructor(msMax: number) {
    this.#msMax = msMax;
  }

  /** Asked when the first publication since the last flush has come: how long to wait for more. */
  wait(nowMs: number): number {
    if (this.#tookMs < heavyMs) return 0;
    const restedMs = nowMs - this.#endedAtMs;
    return Math.max(0, Math.min(this.#msMax, this.#tookMs * restShare - restedMs));
  }

  /** To be told of every flush. */
  flushed(fromMs: number, toMs: number): void {
    this.#tookMs = toMs - fromMs;
    this.#endedAtMs = toMs;
  }
}
