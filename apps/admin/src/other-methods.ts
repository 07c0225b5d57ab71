import { FanfareError } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";

/**
 * Remembers the routes that are added from now on. The returned function answers 405 at their addresses for every other
 * method; Fastify by itself would say that the address does not exist.
 */
export function watchMethods(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ routePath, method }) => {
    const methods = methodsOf.get(routePath) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    methodsOf.set(routePath, methods);
  });

  return () => {
    for (const [url, methods] of [...methodsOf]) {
      const allow = [...methods].sort().join(", ");
      app.route({
        url,
        method: app.supportedMethods.filter((name) => !methods.has(name)),
        schema: { hide: true },
        // Before the body is looked at: its type does not matter any more.
        onRequest(_request, reply, done) {
          reply.header("allow", allow);
          done(new FanfareError("METHOD_NOT_ALLOWED", { detail: `Use ${allow}.` }));
        },
        handler: () => undefined,
      });
    }
  };
}
