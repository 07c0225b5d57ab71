/** How much of something may happen: so often in the long run, and so much at once after a quiet time. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * A token bucket: full at first, refilled at the rate. It holds two numbers and no timer, so that there can be one for every
 * connection. Time is the caller's monotonic clock in milliseconds.
 */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;

  constructor({ burst }: Rate, nowMs: number) {
    this.#tokens = burst;
    this.#filledAtMs = nowMs;
  }

  /** Takes `cost` and answers 0, or takes nothing and answers as {@link TokenBucket.waitMs}. */
  take(rate: Rate, nowMs: number, cost = 1): number {
    const waitMs = this.waitMs(rate, nowMs, cost);
    if (waitMs === 0) this.#tokens -= cost;
    return waitMs;
  }

  /** Takes `cost` whether it is there or not: what only turned out afterwards. Who comes next waits for what it leaves owing. */
  owe(rate: Rate, nowMs: number, cost: number): void {
    this.waitMs(rate, nowMs);
    this.#tokens -= cost;
  }

  /** How many milliseconds from now on there will not be enough; 0 when there is. */
  waitMs({ perSecond, burst }: Rate, nowMs: number, cost = 1): number {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledAtMs) / 1_000) * perSecond);
    this.#filledAtMs = nowMs;
    // What costs more than a whole bucket needs a full one, and leaves a debt: refused for ever it would be a riddle.
    const lacking = Math.min(cost, burst) - this.#tokens;
    // Sums of fractions miss whole numbers by a hair.
    return lacking <= 1e-9 ? 0 : Math.max(1, Math.ceil((lacking / perSecond) * 1_000));
  }
}

/** Keys that are remembered. Beyond it the oldest is forgotten, which is to its favour. */
const keysMax = 100_000;
/** Keys that are looked at in passing whenever a new one comes, so that forgetting never takes a long moment. */
const sweptPerKey = 4;

/** A bucket for each address or key. One that is full again is forgotten, so that quiet callers cost nothing. */
export class KeyedBuckets {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Keys that are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** As {@link TokenBucket.take}. */
  take(key: string, nowMs: number, cost = 1): number {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      this.#sweep(nowMs);
      bucket = new TokenBucket(this.#rate, nowMs);
      this.#buckets.set(key, bucket);
    }
    return bucket.take(this.#rate, nowMs, cost);
  }

  /** As {@link TokenBucket.waitMs}. */
  waitMs(key: string, nowMs: number, cost = 1): number {
    return this.#buckets.get(key)?.waitMs(this.#rate, nowMs, cost) ?? 0;
  }

  /** Looks at those that were looked at the longest ago. */
  #sweep(nowMs: number): void {
    let looks = sweptPerKey;
    for (const [key, bucket] of this.#buckets) {
      if (looks-- === 0) break;
      this.#buckets.delete(key);
      const full = bucket.waitMs(this.#rate, nowMs, this.#rate.burst) === 0;
      if (!full && this.#buckets.size < keysMax) this.#buckets.set(key, bucket);
    }
  }
}
