import {
  type Channel,
  type Clock,
  type DeliveryReport,
  limits,
  type NodeDeliveries,
  type NodeLife,
  type Receipt,
  type Receipted,
  type Receipts,
  type ReportedUpTo,
  type Seq,
  systemClock,
  timeOfSeq,
} from "@fanfare/domain";
import { byLife, textOfLife } from "./receipt-terms.ts";

interface Entry extends Receipted {
  readonly nodes: Map<string, NodeDeliveries>;
}

const lifeMs = limits.receiptSeconds * 1_000;

/** {@link Receipts} within one process. */
export class MemoryReceipts implements Receipts {
  readonly #clock: Pick<Clock, "now">;
  /** About in the order of their ends, which are those of their publications' times. */
  readonly #entries = new Map<string, Entry>();
  readonly #lives = new Map<string, ReportedUpTo>();

  constructor(clock: Pick<Clock, "now"> = systemClock) {
    this.#clock = clock;
  }

  async open(publication: Receipted): Promise<void> {
    this.#entry(publication);
  }

  async report({ node, life }: NodeLife, deliveries: readonly DeliveryReport[], seqs: readonly Seq[] = []): Promise<void> {
    const who = textOfLife({ node, life });
    for (const delivery of deliveries) {
      this.#entry(delivery)?.nodes.set(who, { node, life, counts: { ...delivery.counts } });
    }
    if (seqs.length > 0) this.#lives.set(who, { node, life, seqs: [...seqs], at: this.#clock.now() });
  }

  async find(channel: Channel, offset: number): Promise<Receipt | undefined> {
    this.#forget();
    const entry = this.#entries.get(keyOf(channel, offset));
    return entry === undefined ? undefined : { ...entry, nodes: [...entry.nodes.values()].sort(byLife) };
  }

  async reportedUpTo(): Promise<ReportedUpTo[]> {
    this.#forget();
    return [...this.#lives.values()].sort(byLife);
  }

  /** Undefined when the publication has outlived its receipt, or another one has taken its offset. */
  #entry({ channel, epoch, offset, seq }: Receipted): Entry | undefined {
    this.#forget();
    if (this.#isOver(seq)) return undefined;
    const key = keyOf(channel, offset);
    const known = this.#entries.get(key);
    if (known !== undefined && known.seq >= seq) return known.seq === seq ? known : undefined;
    const made = { channel, epoch, offset, seq, nodes: new Map() };
    this.#entries.delete(key);
    this.#entries.set(key, made);
    return made;
  }

  #isOver(seq: Seq): boolean {
    return timeOfSeq(seq) + lifeMs <= this.#clock.now();
  }

  #forget(): void {
    for (const [key, { seq }] of this.#entries) {
      if (!this.#isOver(seq)) break;
      this.#entries.delete(key);
    }
    const horizonMs = this.#clock.now() - lifeMs;
    for (const [who, { at }] of this.#lives) if (at <= horizonMs) this.#lives.delete(who);
  }
}

function keyOf(channel: Channel, offset: number): string {
  return `${channel} ${offset}`;
}
