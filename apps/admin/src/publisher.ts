import type { Rules } from "@fanfare/access";
import {
  asRuled,
  type Broker,
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

/** The answer to one publish body. */
export type PublishAnswer = Published | { readonly results: readonly (Published | Problem)[] };

/**
 * Stores what publish bodies ask for, and answers each body. The broker has been asked for everything when the call returns,
 * in the order of the bodies and their channels, so calls made one after another keep their order in each channel.
 *
 * A body's answer is an error when its one publication fails, or when all of them do because of the broker; when only some
 * of several fail, the answer says which.
 */
export type Publisher = (requests: readonly Drafts[]) => Promise<(PublishAnswer | FanfareError)[]>;

type Outcome = PublishOutcome | PublishFailure;

/**
 * Admin keys are not subject to the rules: they are the application's own back end, limited by their scopes. What the
 * rules say about a channel's log applies to whoever publishes.
 */
export function createPublisher(broker: Broker, rules: Rules, metrics: Metrics): Publisher {
  const counters = {
    stored: metrics.publications.labels({ source: "rest", outcome: "stored" }),
    duplicate: metrics.publications.labels({ source: "rest", outcome: "duplicate" }),
    conflict: metrics.publications.labels({ source: "rest", outcome: "conflict" }),
    failed: metrics.publications.labels({ source: "rest", outcome: "failed" }),
  };

  const itemsOf = ({ drafts }: Drafts): PublishItem[] => drafts.map((draft) => ruledItem(draft, rules));

  async function store(requests: readonly Drafts[], durable: boolean): Promise<Iterator<Outcome>> {
    if (requests.length === 0) return [].values();
    const startedMs = performance.now();
    const outcomes = await broker.publishEach(requests.flatMap(itemsOf), { durable });
    const seconds = (performance.now() - startedMs) / 1_000;
    for (const { kind } of outcomes) {
      counters[kind].inc();
      metrics.publishDuration.observe(seconds);
    }
    return outcomes.values();
  }

  return async (requests) => {
    const isDurable = ({ durable }: Drafts) => durable;
    const [durable, plain] = await Promise.all([
      store(requests.filter(isDurable), true),
      store(
        requests.filter((request) => !isDurable(request)),
        false,
      ),
    ]);
    return requests.map((request) => answerTo(request, request.durable ? durable : plain));
  };
}

/** A publication as the rules of its channel want it. */
export function ruledItem(draft: Draft, rules: Rules): PublishItem {
  const ruled = rules.of(draft.channel);
  return { draft: asRuled(draft, ruled), retain: ruled.retain };
}

/** Takes as many outcomes as the body has publications. */
function answerTo({ many, drafts }: Drafts, outcomes: Iterator<Outcome>): PublishAnswer | FanfareError {
  const results = drafts.map(({ channel }) => publishedOf(channel, outcomes.next().value as Outcome));
  const [first] = results;
  if (first === undefined) return { results: [] };
  if (!many) return first;
  const away = results.every((result) => result instanceof FanfareError && result.band !== "caller");
  if (away && first instanceof FanfareError) return first;
  return { results: results.map((result) => (result instanceof FanfareError ? problemOf(result) : result)) };
}

function publishedOf(channel: string, outcome: Outcome): Published | FanfareError {
  if (outcome.kind === "failed") return outcome.error;
  if (outcome.kind === "conflict") return new FanfareError("ID_CONFLICT");
  const { kind, position, replicas } = outcome;
  const published = { channel, epoch: position.epoch, offset: position.offset, duplicate: kind === "duplicate" };
  return replicas === undefined ? published : { ...published, replicas };
}
