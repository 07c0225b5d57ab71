import type { Rules } from "@fanfare/access";
import {
  asFanfareError,
  asRuled,
  type Broker,
  type Channel,
  type Draft,
  FanfareError,
  type Problem,
  type Published,
  type PublishFailure,
  type PublishItem,
  type PublishOutcome,
} from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import type { Drafts } from "./drafts.ts";
import { problemOf } from "./problem.ts";
import type { ReceiptGranter } from "./receipt-granter.ts";

/** The answer to one publish body. */
export type PublishAnswer = Published | { readonly results: readonly (Published | Problem)[] };

/**
 * Stores what publish bodies ask for, and answers each body. The broker has been asked for everything when the call returns,
 * in the order of the bodies and their channels, so calls made one after another keep their order in each channel. Those that
 * wait for a replica go another way: between them and others there is no order.
 *
 * A body's answer is an error when its one publication fails, or when all of them do because of the broker; when only some
 * of several fail, the answer says which.
 */
export type Publisher = (requests: readonly Drafts[]) => Promise<(PublishAnswer | FanfareError)[]>;

type Outcome = PublishOutcome | PublishFailure;

const kinds = ["stored", "duplicate", "conflict", "failed"] as const;

/**
 * Admin keys are not subject to the rules: they are the application's own back end, limited by their scopes. What the
 * rules say about a channel's log applies to whoever publishes.
 */
export function createPublisher(broker: Broker, rules: Rules, metrics: Metrics, receipts: ReceiptGranter): Publisher {
  const counters = {
    stored: metrics.publications.labels({ source: "rest", outcome: "stored" }),
    duplicate: metrics.publications.labels({ source: "rest", outcome: "duplicate" }),
    conflict: metrics.publications.labels({ source: "rest", outcome: "conflict" }),
    failed: metrics.publications.labels({ source: "rest", outcome: "failed" }),
  };

  /** What is to be stored, or why it cannot be. */
  function itemOf(draft: Draft, receipt: boolean): PublishItem | FanfareError {
    try {
      return ruledItem(receipt ? receipts.grant(draft) : draft, rules);
    } catch (thrown) {
      return asFanfareError(thrown);
    }
  }

  /** The outcomes of all publications that these requests make, in their order. */
  async function store(requests: readonly Drafts[], durable: boolean): Promise<Iterator<Outcome>> {
    if (requests.length === 0) return [].values();
    const startedMs = performance.now();
    const items = requests.flatMap(({ drafts, receipt }) => drafts.map((draft) => itemOf(draft, receipt)));
    const good = items.filter(isItem);
    const stored = (await broker.publishEach(good, { durable })).values();
    if (good.length > 0) metrics.publishDuration.observe((performance.now() - startedMs) / 1_000);
    const counts = { stored: 0, duplicate: 0, conflict: 0, failed: 0 };
    const outcomes = items.map((item): Outcome => {
      if (!isItem(item)) return { kind: "failed", error: item };
      const outcome = stored.next().value as Outcome;
      counts[outcome.kind]++;
      return outcome;
    });
    for (const kind of kinds) if (counts[kind] > 0) counters[kind].inc(counts[kind]);
    return outcomes.values();
  }

  /** Where the receipts are, in the place of each outcome; undefined for what was not stored. */
  function begun({ drafts, receipt }: Drafts, outcomes: readonly Outcome[]): Promise<(string | false | undefined)[]> | undefined {
    if (!receipt) return undefined;
    return Promise.all(
      drafts.map(({ channel }, at) => {
        const outcome = outcomes[at];
        return outcome !== undefined && "position" in outcome ? receipts.begin(channel, outcome) : undefined;
      }),
    );
  }

  return async (requests) => {
    const isDurable = ({ durable }: Drafts) => durable;
    const isPlain = ({ durable }: Drafts) => !durable;
    const [durable, plain] = await Promise.all([store(requests.filter(isDurable), true), store(requests.filter(isPlain), false)]);
    const outcomes = requests.map((request) =>
      request.drafts.map(() => (request.durable ? durable : plain).next().value as Outcome),
    );
    const begin = (request: Drafts, at: number) => begun(request, outcomes[at] as Outcome[]);
    const places = requests.some(({ receipt }) => receipt) ? await Promise.all(requests.map(begin)) : [];
    return requests.map((request, at) => answerTo(request, outcomes[at] as Outcome[], places[at] ?? []));
  };
}

function isItem(item: PublishItem | FanfareError): item is PublishItem {
  return !(item instanceof FanfareError);
}

/** A publication as the rules of its channel want it. */
export function ruledItem(draft: Draft, rules: Rules): PublishItem {
  const ruled = rules.of(draft.channel);
  return { draft: asRuled(draft, ruled), retain: ruled.retain };
}

function answerTo(
  { many, drafts }: Drafts,
  outcomes: readonly Outcome[],
  receipts: readonly (string | false | undefined)[],
): PublishAnswer | FanfareError {
  const results = drafts.map(({ channel }, at) => resultOf(channel, outcomes[at] as Outcome, receipts[at]));
  const [first] = results;
  if (first === undefined) return { results: [] };
  if (!many) return first;
  const away = results.every((result) => result instanceof FanfareError && result.band !== "caller");
  if (away && first instanceof FanfareError) return first;
  return { results: results.map((result) => (result instanceof FanfareError ? problemOf(result) : result)) };
}

function resultOf(channel: Channel, outcome: Outcome, receipt: string | false | undefined): Published | FanfareError {
  if (outcome.kind === "failed") return outcome.error;
  if (outcome.kind === "conflict") return new FanfareError("ID_CONFLICT");
  return publishedOf(channel, outcome, outcome.replicas, receipt);
}

/** What is answered for a publication that is stored, now or before. */
export function publishedOf(
  channel: Channel,
  { kind, position }: Extract<Outcome, { readonly kind: "stored" | "duplicate" }>,
  replicas: number | undefined,
  receipt: string | false | undefined,
): Published {
  const published = { channel, epoch: position.epoch, offset: position.offset, duplicate: kind === "duplicate" };
  if (replicas === undefined && receipt === undefined) return published;
  return { ...published, ...(replicas === undefined ? {} : { replicas }), ...(receipt === undefined ? {} : { receipt }) };
}
