import { callerOf, KeyedBuckets } from "@fanfare/access";
import type { Clock } from "@fanfare/domain";

/** Wrong keys that one address may show. Who mistypes never meets this, who guesses does. */
const perMinuteDefault = 20;
/** Addresses whose good keys are remembered. */
const callersMax = 10_000;

/**
 * Slows down who guesses keys, by address. While an address is slowed down its new keys are not even looked at, but one that
 * was good there before goes on working: a script with an old key must not lock its neighbour out.
 */
export class AuthThrottle {
  readonly #wrong: KeyedBuckets;
  readonly #good = new Map<string, Set<string>>();
  readonly #clock: Pick<Clock, "monotonic">;

  constructor(clock: Pick<Clock, "monotonic">, perMinute = perMinuteDefault) {
    this.#clock = clock;
    this.#wrong = new KeyedBuckets({ perSecond: perMinute / 60, burst: perMinute });
  }

  /**
   * What becomes of a key that `address` shows; `name` is undefined for a wrong one. Answers 0, or for how many milliseconds
   * the address may try no other.
   */
  waitMs(address: string, name: string | undefined): number {
    const caller = callerOf(address);
    if (name !== undefined && this.#good.get(caller)?.has(name) === true) return 0;
    const now = this.#clock.monotonic();
    if (name === undefined) return this.#wrong.take(caller, now);
    const waitMs = this.#wrong.waitMs(caller, now);
    if (waitMs === 0) this.#remember(caller, name);
    return waitMs;
  }

  #remember(caller: string, name: string): void {
    const names = this.#good.get(caller);
    if (names !== undefined) {
      names.add(name);
      return;
    }
    const [oldest] = this.#good.size >= callersMax ? this.#good.keys() : [];
    if (oldest !== undefined) this.#good.delete(oldest);
    this.#good.set(caller, new Set([name]));
  }
}
