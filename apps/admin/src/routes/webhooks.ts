import { DeadLettersPage, limits, PageQuery, parseJson, ReplayBody, Replaying, validator } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import type { Context } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { accepted, answers, jsonBody } from "../openapi.ts";
import { queryReader, refuseQuery } from "../query.ts";

const readQuery = queryReader(PageQuery);
const parseReplay = validator(ReplayBody);

/** What became of events that were to be delivered to FANFARE_WEBHOOK_URL. */
export function webhookRoutes(app: FastifyInstance, { deliveries }: Context): void {
  app.get(
    "/webhooks/dead",
    {
      schema: {
        operationId: "listDeadLetters",
        tags: ["events"],
        summary: "Events that could not be delivered to the application",
        description: `As the batches that they were sent in, oldest first. The newest ${limits.deadLettersMax} are kept.`,
        querystring: PageQuery,
        response: answers("A page of batches.", DeadLettersPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      const { cursor, limit = limits.pageLimitDefault } = readQuery(request);
      const { items, next } = await deliveries.dead({ after: fromCursor("dead", cursor), limit });
      return { items, next: toCursor("dead", next) };
    },
  );

  app.post(
    "/webhooks/dead/replay",
    {
      schema: {
        operationId: "replayDeadLetters",
        tags: ["events"],
        summary: "Try to deliver them again",
        description:
          "Under their old ids, before what is new. What fails again stays in the list; the application tells by the ids what it has already.",
        body: jsonBody(ReplayBody),
        response: accepted("They are tried again, each once.", Replaying, [400, 401, 403, 413, 415, 503]),
      },
    },
    async (request, reply) => {
      requireScope(request, "connections");
      refuseQuery(request);
      const { ids } = parseReplay(parseJson(bodyText(request)));
      return reply.code(202).send({ replaying: await deliveries.revive(ids) });
    },
  );
}
