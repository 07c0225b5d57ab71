import { Problem, PublishBody, Published, parseJson } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { requirePublish } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import type { Context } from "../context.ts";
import { draftsOf } from "../drafts.ts";
import { idempotencyKey } from "../idempotency-key.ts";
import { answers, jsonBody } from "../openapi.ts";
import { refuseQuery } from "../query.ts";

const PublishResults = Type.Object({
  results: Type.Array(Type.Union([Published, Problem]), { description: "In the order of the channels." }),
});
export const PublishAnswer = Type.Union([Published, PublishResults]);

export function publishRoute(app: FastifyInstance, { publish }: Context): void {
  app.post(
    "/publish",
    {
      schema: {
        operationId: "publish",
        tags: ["publish"],
        summary: "Publish to one channel or to several",
        description:
          "A 200 means stored: every subscriber gets it, once and in order. With an `id` (or `Idempotency-Key`) a retry never doubles.",
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ description: "The same as `id`." })) }),
        body: jsonBody(PublishBody),
        response: answers("Stored.", PublishAnswer, [400, 401, 403, 409, 413, 415, 503]),
      },
    },
    async (request) => {
      refuseQuery(request);
      const text = bodyText(request);
      const drafts = draftsOf(parseJson(text), text, idempotencyKey(request));
      requirePublish(request, drafts);
      return publish(drafts);
    },
  );
}
