import { FanfareError } from "@fanfare/domain";

/** Reads of logs under way: with a page of a megabyte each, what stands behind them on the connection waits some 80 ms. */
export const underWayMax = 16;
/** Reads that wait: about a second's worth of small ones. Whoever comes then is told to come again, as while the broker is away. */
export const waitingMax = 10_000;

/**
 * Lets a few reads of logs through at a time. All commands share one connection and have two seconds; behind a hundred large
 * answers leases, publications and pings would run out of theirs, and the connection would be given up.
 */
export class ReadGate {
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  /** Rejects with `BROKER_UNAVAILABLE` when too many wait already. */
  async run<Answer>(read: () => Promise<Answer>): Promise<Answer> {
    if (this.#underWay < underWayMax) this.#underWay++;
    else if (this.#waiting.length >= waitingMax) throw new FanfareError("BROKER_UNAVAILABLE");
    // Whoever leaves hands its place on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await read();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay--;
      else next();
    }
  }
}
