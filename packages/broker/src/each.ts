import { asFanfareError, type PublishFailure, type PublishItem, type PublishOutcome } from "@fanfare/domain";

/** Publishes all of them at once, in their order, and answers for each. */
export function eachByItself(
  items: readonly PublishItem[],
  publish: (item: PublishItem) => Promise<PublishOutcome>,
): Promise<readonly (PublishOutcome | PublishFailure)[]> {
  return Promise.all(
    items.map((item) =>
      publish(item).catch((thrown: unknown): PublishFailure => ({ kind: "failed", error: asFanfareError(thrown) })),
    ),
  );
}
