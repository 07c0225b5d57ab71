import {
  asFanfareError,
  type FanfareError,
  itemTexts,
  memberTexts,
  type Problem,
  PublishBatchBody,
  PublishBatchRequest,
  PublishQuery,
  parseJson,
  validator,
} from "@fanfare/domain";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { atomicDraftsOf } from "../atomic.ts";
import { requirePublish } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import type { Context } from "../context.ts";
import { type DraftsOptions, draftsOf } from "../drafts.ts";
import { refuseIdempotencyKey } from "../idempotency-key.ts";
import { inLanes } from "../lanes.ts";
import { answers, jsonBody } from "../openapi.ts";
import { problemOf } from "../problem.ts";
import type { PublishAnswer } from "../publisher.ts";
import { readPublishQuery } from "./publish.ts";
import { ProblemOrAnswer } from "./publish-stream.ts";

/** Items of one batch that are being published at a time. */
const inFlightMax = 128;

const batchOf = validator(PublishBatchBody);

export function publishBatchRoute(app: FastifyInstance, context: Context): void {
  app.post(
    "/publish/batch",
    {
      schema: {
        operationId: "publishBatch",
        tags: ["publish"],
        summary: "Publish many at once",
        description:
          "Each item is a publish body and has its own result; items of one channel keep their order. When the broker fails in the middle, the items after it are answered with the same problem and were not tried. With `atomic` either everything is stored, one behind the other, or nothing, and then the first item that is wrong is the answer; a retry with the same ids never doubles.",
        querystring: PublishQuery,
        body: jsonBody(PublishBatchRequest),
        response: answers(
          "One result per item.",
          Type.Object({ results: Type.Array(ProblemOrAnswer, { description: "In the order of the items." }) }),
          [400, 401, 403, 409, 413, 415, 422, 429, 503],
        ),
      },
    },
    async (request) => {
      const { receipt } = readPublishQuery(request);
      refuseIdempotencyKey(request);
      const text = bodyText(request);
      const { items, atomic } = batchOf(parseJson(text));
      const texts = itemTexts(memberTexts(text).get("items") ?? "[]");
      if (atomic !== true) return { results: await publishItems(request, items, texts, context, { receipt }) };
      const requests = atomicDraftsOf(items, texts, { receipt });
      requirePublish(
        request,
        requests.flatMap(({ drafts }) => drafts),
      );
      return { results: await context.publishAll(requests) };
    },
  );
}

/** Rejects when nothing was stored because of the broker: then the whole batch is to be tried again. */
async function publishItems(
  request: FastifyRequest,
  items: readonly unknown[],
  texts: readonly string[],
  { publish, logError }: Context,
  options: DraftsOptions,
): Promise<(PublishAnswer | Problem)[]> {
  let away: FanfareError | undefined;
  let stored = 0;
  const results = await inLanes(items, inFlightMax, async (item, index) => {
    try {
      const drafts = draftsOf(item, texts[index] ?? "null", options);
      requirePublish(request, drafts.drafts);
      if (away !== undefined) return problemOf(away);
      const answer = await publish(drafts);
      stored++;
      return answer;
    } catch (thrown) {
      const error = asFanfareError(thrown);
      if (error.band !== "caller") {
        away ??= error;
        logError(error, request.id, request.routeOptions.url);
      }
      return problemOf(error);
    }
  });
  if (away !== undefined && stored === 0) throw away;
  return results;
}
