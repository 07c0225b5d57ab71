import { type Channel, type Clock, type Directory, type NodeRecord, systemClock } from "@fanfare/domain";

interface Lease {
  record: NodeRecord;
  /** By the monotonic clock. */
  endsAtMs: number;
  readonly counts: Map<Channel, number>;
}

/** {@link Directory} within one process. */
export class MemoryDirectory implements Directory {
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async renew(record: NodeRecord, changed: ReadonlyMap<Channel, number>, leaseMs: number): Promise<"renewed" | "new"> {
    this.#dropEnded();
    const endsAtMs = this.#clock.monotonic() + leaseMs;
    const running = this.#leases.get(record.node);
    const lease = running ?? { record, endsAtMs, counts: new Map<Channel, number>() };
    lease.record = record;
    lease.endsAtMs = endsAtMs;
    for (const [channel, count] of changed) {
      if (count === 0) lease.counts.delete(channel);
      else lease.counts.set(channel, count);
    }
    this.#leases.set(record.node, lease);
    return running === undefined ? "new" : "renewed";
  }

  async leave(node: string): Promise<void> {
    this.#leases.delete(node);
  }

  async nodes(): Promise<NodeRecord[]> {
    this.#dropEnded();
    return [...this.#leases.values()].map(({ record }) => record).sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  async subscribers(channel: Channel): Promise<number> {
    this.#dropEnded();
    let sum = 0;
    for (const { counts } of this.#leases.values()) sum += counts.get(channel) ?? 0;
    return sum;
  }

  #dropEnded(): void {
    const now = this.#clock.monotonic();
    for (const [node, { endsAtMs }] of this.#leases) if (endsAtMs <= now) this.#leases.delete(node);
  }
}
