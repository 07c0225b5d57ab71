import type { Rules } from "@fanfare/access";
import { asFanfareError, type Broker, type Draft, FanfareError, type Problem, type Published } from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import type { Drafts } from "./drafts.ts";
import { problemOf } from "./problem.ts";
import type { ReceiptGranter } from "./receipt-granter.ts";

/** The answer to one publish body. */
export type PublishAnswer = Published | { readonly results: readonly (Published | Problem)[] };

/**
 * Stores what one publish body asks for. The broker has been asked for everything when the call returns, in the order of
 * the channels, so calls made one after another keep their order in each channel.
 *
 * Rejects when the body's one publication fails, or all of them do because of the broker; when only some of several
 * fail, the answer says which.
 */
export type Publisher = (request: Drafts) => Promise<PublishAnswer>;

/**
 * Admin keys are not subject to the rules: they are the application's own back end, limited by their scopes. What the
 * rules say about a channel's log applies to whoever publishes.
 */
export function createPublisher(broker: Broker, rules: Rules, metrics: Metrics, receipts: ReceiptGranter): Publisher {
  const stored = metrics.publications.labels({ source: "rest", outcome: "stored" });
  const duplicate = metrics.publications.labels({ source: "rest", outcome: "duplicate" });
  const conflict = metrics.publications.labels({ source: "rest", outcome: "conflict" });
  const failed = metrics.publications.labels({ source: "rest", outcome: "failed" });

  async function publish(given: Draft, durable: boolean, receipt: boolean): Promise<Published> {
    const draft = receipt ? receipts.grant(given) : given;
    const observe = metrics.publishDuration.startTimer();
    const outcome = await broker
      .publish(draft, rules.of(draft.channel).retain, { durable })
      .catch((error: unknown) => {
        failed.inc();
        throw error;
      })
      .finally(observe);
    if (outcome.kind === "conflict") {
      conflict.inc();
      throw new FanfareError("ID_CONFLICT");
    }
    (outcome.kind === "stored" ? stored : duplicate).inc();
    const { kind, position, replicas } = outcome;
    const published = { channel: draft.channel, ...position, duplicate: kind === "duplicate" };
    return {
      ...published,
      ...(replicas === undefined ? {} : { replicas }),
      ...(receipt ? { receipt: await receipts.begin(draft.channel, outcome) } : {}),
    };
  }

  return async ({ many, drafts: [first, ...others], durable, receipt }) => {
    if (first === undefined) return { results: [] };
    if (!many) return publish(first, durable, receipt);
    const settled = await Promise.allSettled([first, ...others].map((draft) => publish(draft, durable, receipt)));
    const broken = settled.map((result) => (result.status === "rejected" ? asFanfareError(result.reason) : undefined));
    if (broken[0] !== undefined && broken.every((error) => error !== undefined && error.band !== "caller")) throw broken[0];
    return {
      results: settled.map((result) => (result.status === "fulfilled" ? result.value : problemOf(asFanfareError(result.reason)))),
    };
  };
}
