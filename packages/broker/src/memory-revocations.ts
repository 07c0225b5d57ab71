import {
  type Clock,
  FanfareError,
  limits,
  type Revocation,
  type RevocationState,
  type Revocations,
  systemClock,
} from "@fanfare/domain";

/** {@link Revocations} within one process: they end with it, as its sessions do. */
export class MemoryRevocations implements Revocations {
  readonly #clock: Pick<Clock, "now">;
  readonly #items = new Map<string, Revocation>();
  #version = 0;

  constructor(clock: Pick<Clock, "now"> = systemClock) {
    this.#clock = clock;
  }

  async add(revocation: Revocation): Promise<void> {
    const now = this.#clock.now();
    for (const { id, endsAt } of this.#items.values()) if (endsAt <= now) this.#items.delete(id);
    if (this.#items.has(revocation.id)) return;
    if (this.#items.size >= limits.revocationsMax) throw new FanfareError("REVOCATIONS_EXCEEDED");
    this.#items.set(revocation.id, revocation);
    this.#version++;
  }

  async remove(id: string): Promise<boolean> {
    const removed = this.#items.delete(id);
    if (removed) this.#version++;
    return removed;
  }

  async changedSince(known: string): Promise<RevocationState | undefined> {
    const version = String(this.#version);
    if (version === known) return undefined;
    return { version, life: this.#version === 0 ? "" : "memory", items: [...this.#items.values()] };
  }
}
