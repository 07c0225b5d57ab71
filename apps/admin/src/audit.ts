import type { Log } from "@fanfare/telemetry";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** Which requests leave a line: every write, all but publishing, or none. */
export type AuditLevel = "all" | "changes" | "off";

const reads: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * One line for each request that could change something, whatever became of it: who, what, from where, with which answer.
 * Of publications neither content nor number is told. Requests without a valid key are no acts of anybody; they are counted
 * by fanfare_http_requests_total.
 */
export function auditWrites(
  app: FastifyInstance,
  log: Log,
  level: AuditLevel,
  addressOf: (request: FastifyRequest) => string,
): void {
  if (level === "off") return;
  app.addHook("onResponse", (request, reply, done) => {
    const { adminKey, method, id, routeOptions } = request;
    const route = routeOptions.url ?? "none";
    if (adminKey !== null && !reads.has(method) && (level === "all" || !route.startsWith("/v1/publish"))) {
      const { statusCode: status } = reply;
      log.info(
        { key: adminKey.name, method, route, path: pathOf(request), status, address: addressOf(request), requestId: id },
        "audit",
      );
    }
    done();
  });
}

const pathLengthMax = 300;

/** What was acted upon: without the query, in which anything may stand. */
function pathOf({ url }: { readonly url: string }): string {
  return (url.split("?")[0] ?? "").slice(0, pathLengthMax);
}
