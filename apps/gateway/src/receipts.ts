import { type Clock, parseBookmark, type Receipts, type Seq, seqMax } from "@fanfare/domain";
import type { Fanout } from "@fanfare/fanout";
import type { Log } from "@fanfare/telemetry";

/** How often what has changed is written. */
const periodMs = 500;
/** How often is written up to where everything was said, without any change: only so is it known that there was nothing to say. */
const renewMs = 2_000;
/** Publications of one batch, so that the broker is never busy with it for more than a millisecond or two. */
const batchMax = 200;

export interface ReceiptKeeperParts {
  readonly receipts: Receipts;
  readonly fanout: Pick<Fanout, "receipts" | "bookmark">;
  readonly node: string;
  /** New at every start of the node, and in the directory with it. */
  readonly life: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tells the cluster who got the publications that somebody wants a receipt of: what has changed, twice a second, for all of
 * them in one write. While the broker is away it waits, and what is told then is how things stand by then.
 */
export class ReceiptKeeper {
  readonly #parts: ReceiptKeeperParts;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #broken = false;
  #ended = false;
  #callOff = (): void => undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: ReceiptKeeperParts) {
    this.#parts = parts;
    this.#go();
  }

  /**
   * Tells what is left; with `deserted`, nobody is connected and nobody will be, also that there will be nothing else to say,
   * or the node would be missing from every receipt that begins before it is forgotten. Never rejects.
   */
  async end({ deserted }: { readonly deserted: boolean }): Promise<void> {
    this.#ended = true;
    this.#callOff();
    await this.#round;
    this.#toldAtMs = Number.NEGATIVE_INFINITY;
    await this.#tell(deserted ? () => seqMax : undefined);
  }

  #go(): void {
    this.#round = this.#tell().then(() => {
      if (!this.#ended) this.#callOff = this.#parts.clock.after(periodMs, () => this.#go());
    });
  }

  async #tell(saidUpTo = (seq: Seq): Seq => seq): Promise<void> {
    const { receipts, fanout, node, life, clock, log } = this.#parts;
    const deliveries = fanout.receipts.take();
    // In the same turn: what is delivered behind it is not among these.
    const { seqs } = parseBookmark(fanout.bookmark) ?? { seqs: [] };
    if (deliveries.length === 0 && clock.monotonic() - this.#toldAtMs < renewMs) return;
    try {
      for (let at = 0; at < deliveries.length - batchMax; at += batchMax) {
        await receipts.report({ node, life }, deliveries.slice(at, at + batchMax));
      }
      const last = deliveries.length === 0 ? 0 : Math.floor((deliveries.length - 1) / batchMax) * batchMax;
      await receipts.report({ node, life }, deliveries.slice(last), seqs.map(saidUpTo));
      this.#toldAtMs = clock.monotonic();
      if (this.#broken) log.info("receipts written again");
      this.#broken = false;
    } catch (err) {
      // All of them: in absolute numbers nothing is counted twice.
      fanout.receipts.giveBack(deliveries);
      if (!this.#broken) log.warn({ err }, "receipts not written");
      this.#broken = true;
    }
  }
}
