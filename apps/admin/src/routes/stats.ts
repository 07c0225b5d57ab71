import { Stats, StatsHistory } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { clusterStats } from "../cluster-stats.ts";
import type { Context } from "../context.ts";
import { answers } from "../openapi.ts";
import { refuseQuery } from "../query.ts";
import { everyMs, StatsKeeper } from "../stats-keeper.ts";

export function statsRoutes(app: FastifyInstance, context: Context): void {
  const keeper = new StatsKeeper(context);
  app.addHook("onClose", async () => keeper.stop());

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
      return clusterStats(context, context.clock.now());
    },
  );

  app.get(
    "/stats/history",
    {
      schema: {
        operationId: "getStatsHistory",
        tags: ["stats"],
        summary: "The cluster's numbers of the last ten minutes",
        description: "As this process saw them, since it was started: it keeps them in memory.",
        response: answers("The samples.", StatsHistory, [400, 401, 403]),
      },
    },
    async (request): Promise<StatsHistory> => {
      requireScope(request, "read");
      refuseQuery(request);
      return { everyMs, items: [...keeper.samples] };
    },
  );
}
