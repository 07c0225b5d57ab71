import { setTimeout as sleep } from "node:timers/promises";
import type { ReceiptAnswer } from "@fanfare/domain";
import { type AdminAddress, getFromAdmin, refusalOf } from "../admin-client.ts";

/** Between two looks: nodes report twice a second. */
const lookMs = 250;

/**
 * Reads a receipt until every node has spoken and nothing waits any more, or for so long. What it says by then is worth
 * printing in either case. Throws a `Failure` when it cannot be read at all.
 */
export async function waitForReceipt(address: AdminAddress, path: string, waitMs: number): Promise<ReceiptAnswer> {
  const startedMs = performance.now();
  for (;;) {
    const answer = await getFromAdmin(address, path);
    const over = performance.now() - startedMs >= waitMs;
    if (answer.status === 200) {
      const receipt = answer.body as ReceiptAnswer;
      if (over || (receipt.unsent === 0 && receipt.nodesMissing.length === 0)) return receipt;
    } else if (over || answer.status !== 503) throw refusalOf(answer);
    await sleep(lookMs);
  }
}
