import type { Clock } from "@fanfare/domain";

/** So many failures in a row, and nobody is asked for a while. */
const failuresMax = 5;
const openMs = 2_000;

/**
 * Keeps from asking who does not answer: after some failures in a row nothing is let through for a moment, then one try at
 * a time until one succeeds. So an application that is down is not hit by all clients at once when it comes back, and
 * clients get their refusal at once instead of a timeout later.
 */
export class Breaker {
  readonly #clock: Pick<Clock, "monotonic">;
  #failures = 0;
  #closedUntilMs = Number.NEGATIVE_INFINITY;
  #trying = false;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Whether one may be let through now; whoever is MUST say how it went. */
  pass(): boolean {
    if (this.#failures < failuresMax) return true;
    if (this.#trying || this.#clock.monotonic() < this.#closedUntilMs) return false;
    this.#trying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#trying = false;
  }

  failed(): void {
    this.#failures++;
    this.#trying = false;
    if (this.#failures >= failuresMax) this.#closedUntilMs = this.#clock.monotonic() + openMs;
  }
}
