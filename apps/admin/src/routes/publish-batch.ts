import {
  FanfareError,
  itemTexts,
  memberText,
  type Problem,
  PublishBatchBody,
  PublishBatchRequest,
  PublishQuery,
  parseJson,
  Type,
  traceParent,
  validator,
} from "@fanfare/domain";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { atomicDraftsOf } from "../atomic.ts";
import { requirePublish } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import type { Context } from "../context.ts";
import { type DraftsOptions, draftsOf } from "../drafts.ts";
import { refuseIdempotencyKey } from "../idempotency-key.ts";
import { answers, jsonBody } from "../openapi.ts";
import { problemOf } from "../problem.ts";
import { type AnswerOrError, isOurs, publishMany, readable } from "../publish-many.ts";
import type { PublishAnswer } from "../publisher.ts";
import { readPublishQuery, TraceHeader } from "./publish.ts";
import { ProblemOrAnswer } from "./publish-stream.ts";

/** Items of one batch that are being published at a time: a broker that goes away in the middle is not asked for the others. */
const inFlightMax = 250;

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
          "Each item is a publish body and has its own result; items of one channel keep their order, but for those that are `durable`, which go another way. When the broker fails in the middle, the items after it are answered with the same problem and were not tried. With `atomic` either everything is stored, one behind the other, or nothing, and then the first item that is wrong is the answer; a retry with the same ids never doubles.",
        headers: Type.Object({ traceparent: TraceHeader }),
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
      const texts = itemTexts(memberText(text, "items") ?? "[]");
      const options = { receipt, traceparent: traceParent(request.headers.traceparent) };
      if (atomic !== true) return { results: await publishItems(request, items, texts, options, context) };
      const requests = atomicDraftsOf(items, texts, options);
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
  options: DraftsOptions,
  context: Context,
): Promise<(PublishAnswer | Problem)[]> {
  const read = (index: number) => draftsOf(items[index], texts[index] ?? "null", options);
  const indices = [...items.keys()];
  const answers: AnswerOrError[] = [];
  let away: FanfareError | undefined;
  while (answers.length < items.length && away === undefined) {
    const some = indices.slice(answers.length, answers.length + inFlightMax);
    answers.push(...(await publishMany(request, some, read, context)));
    away = answers.find(isOurs);
  }
  if (away !== undefined && answers.every((answer) => answer instanceof FanfareError)) throw away;
  for (const index of indices.slice(answers.length)) {
    const drafts = readable(request, index, read);
    answers.push(drafts instanceof FanfareError ? drafts : (away as FanfareError));
  }
  return answers.map((answer) => (answer instanceof FanfareError ? problemOf(answer) : answer));
}
