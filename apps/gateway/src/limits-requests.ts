import { type Rate, TokenBucket } from "@fanfare/access";
import { type Clock, FanfareError } from "@fanfare/domain";

/** The burst of a connection, in seconds of its rate: a page that opens subscribes to everything at once. */
const burstSeconds = 5;
/** What a client sends beside its requests when it upgrades: a probe, and that it goes on over the websocket. */
const entrance = 2;
/** Whoever is refused counts at most one strike in this time, however much it sends. */
const strikeEveryMs = 1_000;
/** Strikes older than this are forgotten. */
const forgiveMs = 60_000;
const strikesMax = 3;
/** A bucket that nothing was taken from for so long is full, and its strikes are forgotten: it is as good as none. */
const forgetMs = forgiveMs;

interface Refusal {
  readonly retryAfterMs: number;
  /** It has been told three times to slow down, a second apart, and has not. */
  readonly final: boolean;
}

interface Ledger {
  readonly bucket: TokenBucket;
  strikes: number;
  struckAtMs: number;
}

/**
 * What one connection may send in a second: requests, and whatever else a client can send. Connections that send nothing cost
 * nothing.
 */
export class RequestLimits<Connection extends object> {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, "monotonic">;
  /** Used since {@link #sinceMs}, and those before that. */
  #ledgers = new WeakMap<Connection, Ledger>();
  #former = new WeakMap<Connection, Ledger>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** `perSecond` 0 lifts the limit. */
  constructor(perSecond: number, clock: Pick<Clock, "monotonic">) {
    this.#rate = { perSecond, burst: perSecond * burstSeconds + entrance };
    this.#clock = clock;
  }

  /** Takes one: undefined when it may be looked at, else the refusal. */
  take(connection: Connection): Refusal | undefined {
    if (this.#rate.perSecond === 0) return undefined;
    const now = this.#clock.monotonic();
    const ledger = this.#ledgerOf(connection, now);
    const retryAfterMs = ledger.bucket.take(this.#rate, now);
    if (retryAfterMs === 0) return undefined;
    const sinceMs = now - ledger.struckAtMs;
    if (sinceMs >= strikeEveryMs) {
      ledger.strikes = sinceMs > forgiveMs ? 1 : ledger.strikes + 1;
      ledger.struckAtMs = now;
    }
    // Told a whole second, it does not come back for one request at a time.
    return { retryAfterMs: Math.max(retryAfterMs, strikeEveryMs), final: ledger.strikes > strikesMax };
  }

  /** Counts an answer as so many requests more. Whoever has none left waits before it asks again. */
  charge(connection: Connection, requests: number): void {
    if (this.#rate.perSecond === 0) return;
    const now = this.#clock.monotonic();
    this.#ledgerOf(connection, now).bucket.owe(this.#rate, now, requests);
  }

  /** Throws `RATE_LIMITED` while a connection owes for answers that it has had: it may have asked for many at once. */
  refuseDebtor(connection: Connection): void {
    const ledger = this.#ledgers.get(connection) ?? this.#former.get(connection);
    const retryAfterMs = ledger?.bucket.waitMs(this.#rate, this.#clock.monotonic(), 0) ?? 0;
    if (retryAfterMs > 0) throw new FanfareError("RATE_LIMITED", { retryAfterMs });
  }

  #ledgerOf(connection: Connection, nowMs: number): Ledger {
    if (nowMs - this.#sinceMs >= forgetMs) {
      this.#former = this.#ledgers;
      this.#ledgers = new WeakMap();
      this.#sinceMs = nowMs;
    }
    let ledger = this.#ledgers.get(connection);
    if (ledger === undefined) {
      ledger = this.#former.get(connection) ?? {
        bucket: new TokenBucket(this.#rate, nowMs),
        strikes: 0,
        struckAtMs: Number.NEGATIVE_INFINITY,
      };
      this.#ledgers.set(connection, ledger);
    }
    return ledger;
  }
}
