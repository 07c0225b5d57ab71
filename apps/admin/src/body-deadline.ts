import type { FastifyInstance } from "fastify";

/**
 * Ends connections whose request takes too long to arrive, except NDJSON streams, which may take all day. Node's own
 * `requestTimeout` knows no exceptions, so it is off and this stands for it.
 */
export function limitBodyTime(app: FastifyInstance, bodyTimeoutMs: number): void {
  app.addHook("onRequest", ({ raw, routeOptions }, _reply, done) => {
    if (!raw.complete && !routeOptions.config.endless) {
      const timer = setTimeout(() => raw.destroy(), bodyTimeoutMs);
      raw.once("close", () => clearTimeout(timer));
      raw.once("end", () => clearTimeout(timer));
    }
    done();
  });
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The request's body may come for as long as the caller likes. */
    endless?: boolean;
  }
}
