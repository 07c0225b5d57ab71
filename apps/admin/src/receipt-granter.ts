import { type Rules, TokenBucket } from "@fanfare/access";
import { type Channel, type Clock, type Draft, FanfareError, type PublishOutcome, type Receipts } from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import { receiptPath } from "./receipt-path.ts";

/** What came of a publish that stored something, now or before. */
type Stored = Extract<PublishOutcome, { readonly kind: "stored" | "duplicate" }>;

/** Says which publications get a receipt, of those that ask for one. */
export interface ReceiptGranter {
  /**
   * The draft with the mark that nodes count by, or as it was when there are as many receipts as there may be. Throws
   * `RECEIPT_UNSUPPORTED`.
   */
  grant(draft: Draft): Draft;
  /** Where the receipt is of what was stored, or false when it has none. Never rejects: it is published already. */
  begin(channel: Channel, outcome: Stored): Promise<string | false>;
}

export interface ReceiptGranterParts {
  readonly receipts: Pick<Receipts, "open" | "find">;
  readonly rules: Rules;
  readonly metrics: Pick<Metrics, "receipts">;
  readonly clock: Pick<Clock, "monotonic">;
  /** Receipts of a second, in this process; as many at once after a quiet one. */
  readonly perSecond: number;
}

/**
 * Whoever asks for a receipt of everything gets one of as much as the cluster can keep: the first of every second, which for
 * a stream of publications is a sample.
 */
export function createReceiptGranter({ receipts, rules, metrics, clock, perSecond }: ReceiptGranterParts): ReceiptGranter {
  const rate = { perSecond, burst: perSecond };
  const bucket = new TokenBucket(rate, clock.monotonic());

  async function place(channel: Channel, { kind, position, seq }: Stored): Promise<string | false> {
    // A duplicate has the receipt of the first, if that has one. What was granted none has no seq.
    if (kind === "duplicate") {
      const receipt = await receipts.find(channel, position.offset);
      return receipt?.epoch === position.epoch && receiptPath(receipt);
    }
    if (seq === undefined) return false;
    await receipts.open({ channel, ...position, seq });
    return receiptPath({ channel, ...position });
  }

  return {
    grant(draft) {
      if (rules.of(draft.channel).retain.count === 0) {
        throw new FanfareError("RECEIPT_UNSUPPORTED", { detail: "A channel that keeps no log has no receipts." });
      }
      const granted = perSecond > 0 && bucket.take(rate, clock.monotonic()) === 0;
      metrics.receipts.inc({ outcome: granted ? "granted" : "beyond" });
      return granted ? { ...draft, receipt: true } : draft;
    },
    async begin(channel, outcome) {
      try {
        return await place(channel, outcome);
      } catch {
        // The publication is stored, and that is what the answer is about. Nodes begin the receipt all the same.
        metrics.receipts.inc({ outcome: "failed" });
        return false;
      }
    },
  };
}
