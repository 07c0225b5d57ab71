import type { Clock, Quotas } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";

export interface SharedCountParts {
  /** What is counted, such as `address`: part of the keys in the broker. */
  readonly kind: string;
  /** On all nodes together. 0: as many as there are. */
  readonly max: number;
  readonly node: string;
  readonly quotas: Quotas;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

interface Count {
  here: number;
  /** How many this node may have, as the broker granted. */
  held: number;
  /** Until then the answer is no without asking. By the monotonic clock. */
  fullUntilMs: number;
}

/** So many of each key a node lets in without asking: nearly everybody has only a few. */
const freeMax = 8;
/** Of small limits none is free, so that they are kept to the letter. */
const freeShare = 32;
/** How many more than it needs now a node asks for: the next ones then cost nothing. */
const inAdvanceShare = 20;
const inAdvanceMax = 50;
const fullMs = 1_000;
const renewMs = 5_000;
/** What a killed node held is blocked for so long. */
const lifeMs = 3 * renewMs;

/**
 * Counts the connections of an address or a user on all nodes together. The first few of each key on a node are free, the
 * others come out of what the node holds in advance, so what comes in costs no round trip as a rule: and neither is there one
 * in front of anybody who is alone. The price is that a key may have `freeMax` more for each further node.
 *
 * While the broker is away each node counts for itself.
 */
export class SharedCount {
  readonly #parts: SharedCountParts;
  readonly #free: number;
  readonly #inAdvance: number;
  readonly #counts = new Map<string, Count>();
  /** Keys of which more is held than is free: those that have to be renewed. */
  readonly #held = new Set<string>();
  /** What the next call asks for. */
  #asking: { readonly keys: Set<string>; readonly answer: Promise<void> } | undefined;
  /** Ends with the call that is on its way. */
  #turn: Promise<void> = Promise.resolve();
  #stopRenewing: () => void = () => undefined;

  constructor(parts: SharedCountParts) {
    this.#parts = parts;
    const { max } = parts;
    this.#free = Math.min(freeMax, Math.floor(max / freeShare));
    this.#inAdvance = Math.min(inAdvanceMax, Math.floor(max / inAdvanceShare));
    if (max > 0) this.#scheduleRenewal();
  }

  /** Whether there were too many of the key a moment ago. */
  isFull(key: string): boolean {
    const count = this.#counts.get(key);
    return count !== undefined && count.fullUntilMs > this.#parts.clock.monotonic();
  }

  /** Counts one more and answers true; or answers false and counts nothing. What is counted must {@link leave}. */
  enter(key: string): true | Promise<boolean> {
    if (this.#parts.max === 0) return true;
    const count = this.#counts.get(key) ?? { here: 0, held: 0, fullUntilMs: 0 };
    this.#counts.set(key, count);
    count.here++;
    return count.here <= Math.max(this.#free, count.held) ? true : this.#ask(key, count);
  }

  /** Counts one, whatever there is: for those who come back to what they had. */
  enterAnyway(key: string): void {
    if (this.#parts.max === 0) return;
    const count = this.#counts.get(key) ?? { here: 0, held: 0, fullUntilMs: 0 };
    this.#counts.set(key, count);
    count.here++;
  }

  leave(key: string): void {
    const count = this.#counts.get(key);
    if (count === undefined) return;
    count.here--;
    // What is still held is given back by the next renewal.
    if (count.here <= 0 && !this.#held.has(key)) this.#counts.delete(key);
  }

  stop(): void {
    this.#stopRenewing();
  }

  async #ask(key: string, count: Count): Promise<boolean> {
    const { max, clock } = this.#parts;
    let counted = true;
    if (!this.isFull(key) && count.here <= max) {
      try {
        await this.#holdMore(key);
        counted = count.here <= count.held;
      } catch {
        // The broker is away: better one too many than nobody at all.
        counted = count.here <= max;
      }
    } else counted = false;
    if (counted) return true;
    count.fullUntilMs = clock.monotonic() + fullMs;
    this.leave(key);
    return false;
  }

  /**
   * Everything that comes while the broker is being asked is asked in the next call. One call at a time: of two that cross,
   * the one that was made up first could take back what the other has brought and what is given out already.
   */
  #holdMore(key: string): Promise<void> {
    if (this.#asking === undefined) {
      const keys = new Set<string>();
      const answer = this.#inTurn(() => {
        this.#asking = undefined;
        const { max } = this.#parts;
        return new Map(
          [...keys].map((name) => {
            const { here = 0, held = 0 } = this.#counts.get(name) ?? {};
            return [name, Math.max(held, Math.min(max, here + this.#inAdvance))];
          }),
        );
      });
      this.#asking = { keys, answer };
    }
    const { keys, answer } = this.#asking;
    keys.add(key);
    return answer;
  }

  /** Holds what `wants` says when its turn has come. Rejects with `BROKER_UNAVAILABLE`. */
  #inTurn(wants: () => ReadonlyMap<string, number>): Promise<void> {
    const held = this.#turn.then(() => this.#hold(wants()));
    this.#turn = held.catch(() => undefined);
    return held;
  }

  async #hold(wants: ReadonlyMap<string, number>): Promise<void> {
    if (wants.size === 0) return;
    const { quotas, node, kind, max } = this.#parts;
    for (const [key, held] of await quotas.hold(node, kind, wants, max, lifeMs)) {
      const count = this.#counts.get(key);
      if (held > 0) this.#held.add(key);
      else this.#held.delete(key);
      if (count === undefined) continue;
      count.held = held;
      if (count.here <= 0 && held === 0) this.#counts.delete(key);
    }
  }

  #scheduleRenewal(): void {
    this.#stopRenewing = this.#parts.clock.after(renewMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const renewed = this.#inTurn(() => {
      const wants = new Map<string, number>();
      for (const key of this.#held) {
        const count = this.#counts.get(key) ?? { here: 0, held: 0 };
        // Given up before the broker is told: nobody may be let in on what another node may have by then.
        count.held = count.here <= this.#free ? 0 : Math.min(count.held, count.here + this.#inAdvance);
        wants.set(key, count.held);
      }
      return wants;
    });
    // The next that comes asks again; until then it is only less exact.
    await renewed.catch((err) => this.#parts.log.warn({ err }, "quotas not renewed"));
    this.#scheduleRenewal();
  }
}
