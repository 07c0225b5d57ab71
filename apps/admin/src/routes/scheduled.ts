import { FanfareError, limits, ScheduledPage, ScheduledRemoved, Type } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { answers } from "../openapi.ts";
import { queryReader, refuseQuery } from "../query.ts";

const ListQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ description: "As `next` of the page before." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.scheduledPageMax, default: 100 })),
  },
  { additionalProperties: false },
);
const readQuery = queryReader(ListQuery);
const ScheduledParams = Type.Object({ scheduledId: Type.String({ description: "As the 202 has named it." }) });

export function scheduledRoutes(app: FastifyInstance, { schedule }: Context): void {
  app.get(
    "/scheduled",
    {
      schema: {
        operationId: "listScheduled",
        tags: ["publish"],
        summary: "What is to be published later",
        description: "By time. Without the payloads, and without what is being published at the moment.",
        querystring: ListQuery,
        response: answers("A page of the list.", ScheduledPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      const { cursor, limit = 100 } = readQuery(request);
      const items = await schedule.page(fromCursor("scheduled", cursor) ?? "", limit);
      return { items, next: toCursor("scheduled", items.length < limit ? undefined : items.at(-1)?.scheduledId) };
    },
  );

  app.delete<{ Params: { scheduledId: string } }>(
    "/scheduled/:scheduledId",
    {
      schema: {
        operationId: "callOff",
        tags: ["publish"],
        summary: "Call off what is to be published later",
        description:
          "`SCHEDULED_TAKEN` says that its time has come; afterwards there is nothing of this name. Needs the scope to publish in all of its channels.",
        params: ScheduledParams,
        response: answers("It will not be published.", ScheduledRemoved, [400, 401, 403, 404, 409, 503]),
      },
    },
    async (request) => {
      refuseQuery(request);
      const { scheduledId } = request.params;
      const unknown = () => new FanfareError("NOT_FOUND", { detail: "Nothing is scheduled under this name." });
      const scheduled = await schedule.find(scheduledId);
      if (scheduled === undefined) throw unknown();
      for (const channel of scheduled.channels) requireScope(request, "publish", channel);
      const outcome = await schedule.remove(scheduledId);
      if (outcome === "unknown") throw unknown();
      if (outcome === "taken") throw new FanfareError("SCHEDULED_TAKEN");
      return { scheduledId, removed: true };
    },
  );
}
