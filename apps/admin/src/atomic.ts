import type { Rules } from "@fanfare/access";
import { asFanfareError, type Broker, FanfareError, type Published, type PublishItem } from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import { type Drafts, type DraftsOptions, draftsOf } from "./drafts.ts";
import { type PublishAnswer, publishedOf, ruledItem } from "./publisher.ts";
import type { ReceiptGranter } from "./receipt-granter.ts";

/** Stores what several publish bodies ask for as one, or rejects and has stored nothing. One answer for each body. */
export type AtomicPublisher = (requests: readonly Drafts[]) => Promise<PublishAnswer[]>;

export function createAtomicPublisher(broker: Broker, rules: Rules, metrics: Metrics, receipts: ReceiptGranter): AtomicPublisher {
  const count = (outcome: string, times: number) => metrics.publications.inc({ source: "rest", outcome }, times);

  return async (requests) => {
    const items: PublishItem[] = requests.flatMap(({ drafts, receipt }) =>
      drafts.map((draft) => ruledItem(receipt ? receipts.grant(draft) : draft, rules)),
    );
    const asked = requests.flatMap(({ drafts, receipt }) => drafts.map(() => receipt));
    const durable = requests.some((request) => request.durable);
    const observe = metrics.publishDuration.startTimer();
    const outcome = await broker
      .publishAll(items, { durable })
      .catch((error: unknown) => {
        if (asFanfareError(error).band !== "caller") count("failed", items.length);
        throw error;
      })
      .finally(observe);
    if (outcome.kind === "conflict") {
      count("conflict", 1);
      throw conflictOf(requests, outcome.index);
    }
    const { outcomes, replicas } = outcome;
    const duplicates = outcomes.filter(({ kind }) => kind === "duplicate").length;
    count("stored", outcomes.length - duplicates);
    count("duplicate", duplicates);

    const published = await Promise.all(
      outcomes.map(async (outcome, index): Promise<Published> => {
        const { channel } = (items[index] as PublishItem).draft;
        const receipt = asked[index] ? await receipts.begin(channel, outcome) : undefined;
        return publishedOf(channel, outcome, replicas, receipt);
      }),
    );
    return requests.map(({ many, drafts: { length } }) => {
      const own = published.splice(0, length);
      return many ? { results: own } : (own[0] as Published);
    });
  };
}

/** The items of an atomic batch. The first that is wrong refuses all; its fields are named as those of the batch. */
export function atomicDraftsOf(items: readonly unknown[], texts: readonly string[], options: DraftsOptions = {}): Drafts[] {
  return items.map((item, index) => {
    try {
      return draftsOf(item, texts[index] ?? "null", options);
    } catch (thrown) {
      const { code, message, errors = [{ path: "", message }] } = asFanfareError(thrown);
      const named = errors.map((error) => ({ ...error, path: `/items/${index}${error.path}` }));
      throw new FanfareError(code, { detail: message, errors: named, cause: thrown });
    }
  });
}

/** `index` counts publications, of which an item with several channels makes several. */
function conflictOf(requests: readonly Drafts[], index: number): FanfareError {
  let left = index;
  const item = requests.findIndex(({ drafts }) => {
    left -= drafts.length;
    return left < 0;
  });
  const message = "was already used for another publication in the channel";
  return new FanfareError("ID_CONFLICT", { errors: [{ path: `/items/${item}/id`, message }] });
}
