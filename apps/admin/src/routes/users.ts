import { limits, PageQuery, UsersPage } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { nodesMissing } from "../nodes-missing.ts";
import { answers } from "../openapi.ts";
import { queryReader } from "../query.ts";

const readQuery = queryReader(PageQuery);

export function userRoutes(app: FastifyInstance, context: Context): void {
  app.get(
    "/users",
    {
      schema: {
        operationId: "listUsers",
        tags: ["users"],
        summary: "The users who are connected",
        description: "By name. Connections without a user are in none of its items.",
        querystring: PageQuery,
        response: answers("A page of users.", UsersPage, [400, 401, 403, 503]),
      },
    },
    async (request): Promise<UsersPage> => {
      requireScope(request, "read");
      const { cursor, limit = limits.pageLimitDefault } = readQuery(request);
      const after = fromCursor("users", cursor);
      const [{ items, next }, missing] = await Promise.all([context.registry.users({ after, limit }), nodesMissing(context)]);
      return { items: [...items], next: toCursor("users", next), nodesMissing: missing };
    },
  );
}
