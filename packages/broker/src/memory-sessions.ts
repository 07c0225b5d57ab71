import { type Claimed, type Clock, type Ownership, type SessionRecord, type Sessions, systemClock } from "@fanfare/domain";

interface Kept {
  record: SessionRecord;
  owner: Ownership;
  /** By the monotonic clock. */
  endsAtMs: number;
}

/** How often sessions that nobody came back to are looked for. */
const sweepMs = 10_000;

/** {@link Sessions} within one process: clients survive a lost connection, not a lost process. */
export class MemorySessions implements Sessions {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #sweptAtMs = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async save(pid: string, record: SessionRecord, owner: Ownership, lifeMs: number): Promise<boolean> {
    this.#sweep();
    const kept = this.#find(pid);
    if (kept !== undefined && kept.owner.turn > owner.turn) return false;
    this.#kept.set(pid, { record, owner, endsAtMs: this.#clock.monotonic() + lifeMs });
    return true;
  }

  async claim(pid: string, node: string, lifeMs: number): Promise<Claimed | undefined> {
    const kept = this.#find(pid);
    if (kept === undefined) return undefined;
    const previousNode = kept.owner.node;
    kept.owner = { node, turn: kept.owner.turn + 1 };
    kept.endsAtMs = this.#clock.monotonic() + lifeMs;
    return { record: kept.record, owner: kept.owner, previousNode };
  }

  async renew(pids: readonly string[], lifeMs: number): Promise<void> {
    const endsAtMs = this.#clock.monotonic() + lifeMs;
    for (const pid of pids) {
      const kept = this.#find(pid);
      if (kept !== undefined) kept.endsAtMs = endsAtMs;
    }
  }

  async end(pid: string): Promise<void> {
    this.#kept.delete(pid);
  }

  #find(pid: string): Kept | undefined {
    const kept = this.#kept.get(pid);
    return kept === undefined || kept.endsAtMs <= this.#clock.monotonic() ? undefined : kept;
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    if (now - this.#sweptAtMs < sweepMs) return;
    this.#sweptAtMs = now;
    for (const [pid, { endsAtMs }] of this.#kept) if (endsAtMs <= now) this.#kept.delete(pid);
  }
}
