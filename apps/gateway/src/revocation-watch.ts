import { type Identity, RevocationList } from "@fanfare/access";
import { type Clock, FanfareError, type Revocation, type Revocations } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";

/** How often the list is compared with the broker's: half of the two seconds within which a revocation holds everywhere. */
const compareMs = 1_000;
/** A comparison that fails once is no news: at the start the connection may not be there yet. */
const failuresToTell = 2;

export interface RevocationWatchParts {
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * What this node knows of the revocations. It keeps knowing it while the broker is away, and gives it back to a broker that
 * has lost it: no restart of Redis lets a revoked client in again.
 */
export class RevocationWatch {
  readonly #parts: RevocationWatchParts;
  readonly #list = new RevocationList();
  readonly #listeners: ((added: readonly Revocation[]) => void)[] = [];
  #version = "never";
  #life = "";
  #failures = 0;
  #comparing: Promise<void> | undefined;
  #callOff: () => void = () => undefined;
  #stopped = false;

  constructor(parts: RevocationWatchParts) {
    this.#parts = parts;
    void this.#round();
  }

  get size(): number {
    return this.#list.size;
  }

  /** Calls `listener` whenever there are new ones. */
  onAdded(listener: (added: readonly Revocation[]) => void): void {
    this.#listeners.push(listener);
  }

  /** The one by which this client may not be here. */
  find(identity: Identity): Revocation | undefined {
    return this.#list.find(identity);
  }

  /**
   * Throws `TOKEN_REVOKED`; or `BROKER_UNAVAILABLE` as long as this node has never seen the list: it then cannot say of
   * anybody's token that it still holds.
   */
  refuse(identity: Identity): void {
    if (identity.user === undefined && identity.expiresAt === undefined) return;
    if (this.#version === "never") throw new FanfareError("BROKER_UNAVAILABLE");
    if (this.find(identity) !== undefined) throw new FanfareError("TOKEN_REVOKED");
  }

  /** Compares now: somebody has said that there is something new. Never rejects. */
  compare(): Promise<void> {
    this.#comparing ??= this.#compare().finally(() => {
      this.#comparing = undefined;
    });
    return this.#comparing;
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  async #round(): Promise<void> {
    await this.compare();
    if (!this.#stopped) this.#callOff = this.#parts.clock.after(compareMs, () => void this.#round());
  }

  async #compare(): Promise<void> {
    const { revocations, clock, log } = this.#parts;
    try {
      const state = await revocations.changedSince(this.#version);
      if (this.#failures >= failuresToTell) log.info("revocations compared again");
      this.#failures = 0;
      if (state === undefined) return;
      const now = clock.now();
      const lost = state.life === this.#life ? [] : this.#missing(state.items).filter(({ endsAt }) => endsAt > now);
      this.#goBy([...state.items, ...lost], now);
      if (lost.length === 0) {
        this.#version = state.version;
        this.#life = state.life;
        return;
      }
      log.warn({ revocations: lost.length }, "the broker has lost revocations: they are given back");
      for (const revocation of lost) await revocations.add(revocation);
      // Only now, and by the new life: had giving them back failed, the next comparison would have to see them lost again;
      // and did it begin with the old life, one that is taken back meanwhile would look lost once more.
      const restored = await revocations.changedSince("never");
      if (restored === undefined) return;
      this.#goBy(restored.items, now);
      this.#version = restored.version;
      this.#life = restored.life;
    } catch (err) {
      if (++this.#failures === failuresToTell) log.warn({ err }, "revocations not compared");
    }
  }

  #goBy(items: readonly Revocation[], now: number): void {
    const added = this.#list.replace(items.filter(({ endsAt }) => endsAt > now));
    if (added.length > 0) for (const listener of this.#listeners) listener(added);
  }

  #missing(items: readonly Revocation[]): Revocation[] {
    const there = new Set(items.map(({ id }) => id));
    return [...this.#list].filter(({ id }) => !there.has(id));
  }
}

/** For what other processes say to this node. Takes any bytes. */
export function compareWhenTold(message: Uint8Array, watch: Pick<RevocationWatch, "compare">): void {
  try {
    const { compare }: { compare?: unknown } = JSON.parse(Buffer.from(message).toString()) ?? {};
    if (compare === "revocations") void watch.compare();
  } catch {
    // It was for somebody else, or for nobody.
  }
}
