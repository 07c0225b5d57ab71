import { FanfareError } from "@fanfare/domain";

/** What reads of logs under way may bring together: what stands behind that on the connection waits some 20 ms. */
const bytesUnderWayMax = 4 * 1_048_576;
/** Reads under way, whatever their size. */
export const underWay = { min: 4, max: 64 } as const;
/** Reads that wait: about a second's worth of small ones. Whoever comes then is told to come again, as while the broker is away. */
export const waitingMax = 10_000;
/** How much of what a large answer weighed is still supposed of the next one. */
const memory = 0.9;

interface Waiting {
  readonly go: () => void;
  readonly fail: (reason: FanfareError) => void;
}

/**
 * Lets as many reads of a partition's logs through at a time as are likely to bring a few megabytes. All commands share its
 * connection and have two seconds; behind a hundred large answers leases, publications and pings would run out of theirs, and the
 * connection would be given up. How large an answer will be, those before it tell. When one is told that the broker is away, so
 * are all that wait: they would be told the same, each in its turn.
 */
export class ReadGate {
  #underWay = 0;
  #likelyBytes = 0;
  #waiting: Waiting[] = [];

  /** `bytesOf`: about how large the answer was. Rejects with `BROKER_UNAVAILABLE` when too many wait already. */
  async run<Answer>(read: () => Promise<Answer>, bytesOf: (answer: Answer) => number): Promise<Answer> {
    if (this.#underWay >= this.#max) {
      if (this.#waiting.length >= waitingMax) throw new FanfareError("BROKER_UNAVAILABLE");
      await new Promise<void>((go, fail) => this.#waiting.push({ go, fail }));
    } else this.#underWay++;
    try {
      const answer = await read();
      this.#likelyBytes = Math.max(bytesOf(answer), this.#likelyBytes * memory);
      return answer;
    } catch (thrown) {
      if (thrown instanceof FanfareError && thrown.code === "BROKER_UNAVAILABLE") this.#failAll(thrown);
      throw thrown;
    } finally {
      this.#underWay--;
      this.#letGo();
    }
  }

  get #max(): number {
    return Math.max(underWay.min, Math.min(underWay.max, Math.floor(bytesUnderWayMax / (this.#likelyBytes + 1))));
  }

  #failAll(reason: FanfareError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { fail } of waiting) fail(reason);
  }

  /** In the order in which they came. Their places are taken here, so that nobody who comes meanwhile gets in between. */
  #letGo(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.#max) {
      this.#underWay++;
      this.#waiting.shift()?.go();
    }
  }
}
