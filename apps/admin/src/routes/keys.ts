import { KeysPage } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { answers } from "../openapi.ts";
import { refuseQuery } from "../query.ts";

export function keyRoutes(app: FastifyInstance, { keys }: Context): void {
  app.get(
    "/keys",
    {
      schema: {
        operationId: "listKeys",
        tags: ["keys"],
        summary: "The admin keys of this API: what they open and when they end",
        description:
          "Never their secrets, which it does not know. Keys are made with `fanfare key` and set in FANFARE_ADMIN_KEYS.",
        response: answers("All of them, in the order of the settings.", KeysPage, [400, 401, 403]),
      },
    },
    async (request): Promise<KeysPage> => {
      requireScope(request, "keys");
      refuseQuery(request);
      return {
        items: keys.list.map(({ name, scopes, expiresAt = null }) => ({ name, scopes: [...scopes], expiresAt })),
        next: null,
      };
    },
  );
}
