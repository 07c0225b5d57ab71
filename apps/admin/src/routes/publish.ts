import {
  FanfareError,
  type Plan,
  Problem,
  Published,
  PublishOrScheduleBody,
  PublishQuery,
  parseJson,
  ScheduleAnswer,
  Type,
  traceParent,
} from "@fanfare/domain";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { requirePublish } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import type { Context } from "../context.ts";
import { draftsOf } from "../drafts.ts";
import { idempotencyKey } from "../idempotency-key.ts";
import { accepted, answers, jsonBody } from "../openapi.ts";
import { isPlan, planOf } from "../plans.ts";
import { queryReader } from "../query.ts";

const PublishResults = Type.Object({
  results: Type.Array(Type.Union([Published, Problem]), { description: "In the order of the channels." }),
});
/** Ignored where it is malformed, as the recommendation has it. */
export const TraceHeader = Type.Optional(
  Type.String({ description: "W3C Trace Context: the same as `traceparent`, for publications that have none." }),
);
/** What can be asked for beside the bodies, wherever something is published. */
export const readPublishQuery = queryReader(PublishQuery);

export const PublishAnswer = Type.Union([Published, PublishResults]);

const laterReceipt = "Of what is published later there is no receipt: nobody is left then who could be told where it is.";

export function publishRoute(app: FastifyInstance, { publish, schedule, expectScheduled, clock }: Context): void {
  app.post(
    "/publish",
    {
      schema: {
        operationId: "publish",
        tags: ["publish"],
        summary: "Publish to one channel or to several",
        description:
          "A 200 means stored: every subscriber gets it, once and in order. With an `id` (or `Idempotency-Key`) a retry never doubles. With `at` it is published then, at the latest a moment after the broker is back if it is away; until then it is in `/v1/scheduled`. With `channels` each of them gets a publication of its own: who is subscribed to two of them hears it twice, once in each. With `receipt` nodes count who gets it; not with `at`, and not in channels that keep no log.",
        headers: Type.Object({
          "idempotency-key": Type.Optional(Type.String({ description: "The same as `id`." })),
          traceparent: TraceHeader,
        }),
        querystring: PublishQuery,
        body: jsonBody(PublishOrScheduleBody),
        response: {
          ...answers("Stored.", PublishAnswer, [400, 401, 403, 409, 413, 415, 422, 429, 503]),
          ...accepted("It will be published.", ScheduleAnswer, []),
        },
      },
    },
    async (request, reply) => {
      const { receipt } = readPublishQuery(request);
      const text = bodyText(request);
      const value = parseJson(text);
      const headers = { id: idempotencyKey(request), traceparent: traceParent(request.headers.traceparent) };
      if (isPlan(value)) {
        if (receipt) throw new FanfareError("RECEIPT_UNSUPPORTED", { detail: laterReceipt });
        reply.code(202);
        return later(request, planOf(value, text, clock.now(), headers));
      }
      const drafts = draftsOf(value, text, { ...headers, receipt });
      requirePublish(request, drafts.drafts);
      const [answer] = await publish([drafts]);
      if (answer instanceof FanfareError) throw answer;
      return answer;
    },
  );

  async function later(request: FastifyRequest, plan: Plan): Promise<ScheduleAnswer> {
    requirePublish(
      request,
      plan.channels.map((channel) => ({ channel })),
    );
    const outcome = await schedule.add(plan);
    if (outcome.kind === "conflict") throw new FanfareError("ID_CONFLICT");
    expectScheduled(Math.max(0, plan.at - clock.now()));
    return { scheduledId: outcome.scheduledId, at: plan.at, duplicate: outcome.kind === "duplicate" };
  }
}
