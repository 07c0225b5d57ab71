import type { Metrics } from "@fanfare/telemetry";
import type { FastifyInstance } from "fastify";

/** Counts requests by route pattern: never by address, which anybody could make endless. */
export function countRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "none";
    metrics.httpRequests.inc({ method: request.method, route, status: reply.statusCode });
    metrics.httpDuration.observe({ route }, reply.elapsedTime / 1_000);
    done();
  });
}
