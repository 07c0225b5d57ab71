import { type ProcessFigures, Stats } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { answers } from "../openapi.ts";
import { refuseQuery } from "../query.ts";

export function statsRoutes(app: FastifyInstance, { registry, directory }: Context): void {
  app.get(
    "/stats",
    {
      schema: {
        operationId: "getStats",
        tags: ["stats"],
        summary: "The cluster in numbers",
        description: "As its processes last said, which each does every two seconds.",
        response: answers("The numbers.", Stats, [400, 401, 403, 503]),
      },
    },
    async (request): Promise<Stats> => {
      requireScope(request, "read");
      refuseQuery(request);
      const [nodes, totals, figures] = await Promise.all([directory.nodes(), registry.totals(), registry.figures()]);
      const sum = (figure: keyof ProcessFigures): number => {
        let total = 0;
        for (const said of figures.values()) total += said[figure];
        return Math.round(total * 10) / 10;
      };
      return {
        nodes: nodes.length,
        connections: totals.connections,
        transports: { websocket: sum("websocket"), polling: sum("polling") },
        channels: totals.channels,
        users: totals.users,
        publicationsPerSecond: sum("publicationsPerSecond"),
        deliveriesPerSecond: sum("deliveriesPerSecond"),
        processes: [...figures].map(([process, said]) => ({ process, ...said })).sort((a, b) => (a.process < b.process ? -1 : 1)),
        nodesMissing: await registry.missing(nodes.map(({ node }) => node)),
      };
    },
  );
}
