import type { Rules } from "@fanfare/access";
import { asFanfareError, type Broker, FanfareError, type Published, type PublishItem } from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import { type Drafts, draftsOf, type FromHeaders } from "./drafts.ts";
import { type PublishAnswer, ruledItem } from "./publisher.ts";

/** Stores what several publish bodies ask for as one, or rejects and has stored nothing. One answer for each body. */
export type AtomicPublisher = (requests: readonly Drafts[]) => Promise<PublishAnswer[]>;

export function createAtomicPublisher(broker: Broker, rules: Rules, metrics: Metrics): AtomicPublisher {
  const count = (outcome: string, times: number) => metrics.publications.inc({ source: "rest", outcome }, times);

  return async (requests) => {
    const items: PublishItem[] = requests.flatMap(({ drafts }) => drafts.map((draft) => ruledItem(draft, rules)));
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

    const published = outcomes.map(({ kind, position }, index): Published => {
      const { channel } = (items[index] as PublishItem).draft;
      const duplicate = kind === "duplicate";
      return { channel, ...position, duplicate, ...(replicas === undefined ? {} : { replicas }) };
    });
    return requests.map(({ many, drafts: { length } }) => {
      const own = published.splice(0, length);
      return many ? { results: own } : (own[0] as Published);
    });
  };
}

/** The items of an atomic batch. The first that is wrong refuses all; its fields are named as those of the batch. */
export function atomicDraftsOf(items: readonly unknown[], texts: readonly string[], headers: FromHeaders): Drafts[] {
  return items.map((item, index) => {
    try {
      return draftsOf(item, texts[index] ?? "null", headers);
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
