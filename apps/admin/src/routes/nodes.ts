import { NodesPage } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { answers } from "../openapi.ts";
import { refuseQuery } from "../query.ts";

export function nodeRoutes(app: FastifyInstance, { directory }: Context): void {
  app.get(
    "/nodes",
    {
      schema: {
        operationId: "listNodes",
        tags: ["nodes"],
        summary: "The Socket.IO nodes that are alive",
        response: answers("All of them.", NodesPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      refuseQuery(request);
      return { items: await directory.nodes(), next: null };
    },
  );
}
