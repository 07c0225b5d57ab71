import { type Clock, type Directory, type NodeRecord, systemClock } from "@fanfare/domain";

interface Lease {
  readonly record: NodeRecord;
  /** By the monotonic clock. */
  readonly endsAtMs: number;
}

/** {@link Directory} within one process. */
export class MemoryDirectory implements Directory {
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async renew(record: NodeRecord, leaseMs: number): Promise<void> {
    this.#leases.set(record.node, { record, endsAtMs: this.#clock.monotonic() + leaseMs });
  }

  async leave(node: string): Promise<void> {
    this.#leases.delete(node);
  }

  async nodes(): Promise<NodeRecord[]> {
    this.#dropEnded();
    return [...this.#leases.values()].map(({ record }) => record).sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  #dropEnded(): void {
    const now = this.#clock.monotonic();
    for (const [node, { endsAtMs }] of this.#leases) if (endsAtMs <= now) this.#leases.delete(node);
  }
}
