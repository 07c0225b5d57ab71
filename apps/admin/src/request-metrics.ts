import type { Metrics } from "@fanfare/telemetry";
import type { FastifyInstance } from "fastify";

/** Counts requests by route pattern: never by address, which anybody could make endless. */
export function countRequests(app: FastifyInstance, metrics: Metrics): void {
  // Finding a series by its labels costs more than counting in it.
  const counters = new Map<string, { inc(): void }>();
  const timers = new Map<string, { observe(seconds: number): void }>();

  app.addHook("onResponse", ({ method, routeOptions: { url: route = "none" } }, { statusCode: status, elapsedTime }, done) => {
    found(counters, `${method} ${status} ${route}`, () => metrics.httpRequests.labels({ method, route, status })).inc();
    found(timers, route, () => metrics.httpDuration.labels({ route })).observe(elapsedTime / 1_000);
    done();
  });
}

function found<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
