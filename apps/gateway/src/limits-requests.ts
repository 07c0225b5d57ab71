import { type Rate, TokenBucket } from "@fanfare/access";
import { type Clock, FanfareError } from "@fanfare/domain";
import { Deadlines } from "./lean/deadlines.ts";

/** The burst of a connection, in seconds of its rate: a page that opens subscribes to everything at once. */
const burstSeconds = 5;
/** What a client sends beside its requests when it upgrades: a probe, and that it goes on over the websocket. */
const entrance = 2;
/** Whoever is refused counts at most one strike in this time, however much it sends. */
const strikeEveryMs = 1_000;
/** Strikes older than this are forgotten. */
const forgiveMs = 60_000;
/** How often it is looked whether there is anything left to remember. */
const lookMs = 1_000;
const strikesMax = 3;

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
 * What one connection may send in a second: requests, and whatever else a client can send. Connections that have sent nothing for
 * a while cost nothing.
 */
export class RequestLimits<Connection extends object> {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #ledgers = new Map<Connection, Ledger>();
  readonly #looks: Deadlines<Connection>;

  /** `perSecond` 0 lifts the limit. */
  constructor(perSecond: number, clock: Pick<Clock, "after" | "monotonic">) {
    this.#rate = { perSecond, burst: perSecond * burstSeconds + entrance };
    this.#clock = clock;
    this.#looks = new Deadlines(clock, lookMs, (connection) => this.#look(connection));
  }

  /** Connections of which something is remembered. */
  get size(): number {
    return this.#ledgers.size;
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
    const retryAfterMs = this.#ledgers.get(connection)?.bucket.waitMs(this.#rate, this.#clock.monotonic(), 0) ?? 0;
    if (retryAfterMs > 0) throw new FanfareError("RATE_LIMITED", { retryAfterMs });
  }

  stop(): void {
    this.#looks.close();
  }

  #ledgerOf(connection: Connection, nowMs: number): Ledger {
    let ledger = this.#ledgers.get(connection);
    if (ledger === undefined) {
      ledger = { bucket: new TokenBucket(this.#rate, nowMs), strikes: 0, struckAtMs: Number.NEGATIVE_INFINITY };
      this.#ledgers.set(connection, ledger);
      this.#looks.add(connection);
    }
    return ledger;
  }

  /** A ledger with a full bucket and without strikes says what a new one would. */
  #look(connection: Connection): void {
    const now = this.#clock.monotonic();
    const ledger = this.#ledgers.get(connection);
    const forgiven = ledger === undefined || ledger.strikes === 0 || now - ledger.struckAtMs > forgiveMs;
    if (forgiven && ledger?.bucket.waitMs(this.#rate, now, this.#rate.burst) === 0) this.#ledgers.delete(connection);
    else this.#looks.add(connection);
  }
}
