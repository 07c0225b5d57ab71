import { asFanfareError, FanfareError, systemClock, Type } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { answers } from "../openapi.ts";

/** How long the broker may take to show that it is there. */
const pingMs = 1_000;

/** For load balancers and Prometheus: no key, and nothing that needs one. */
export function healthRoutes(app: FastifyInstance, { broker, metrics, closing }: Context): void {
  async function pingBroker(): Promise<void> {
    let cancel = () => {};
    const late = new Promise<never>((_resolve, reject) => {
      cancel = systemClock.after(pingMs, () =>
        reject(new FanfareError("BROKER_UNAVAILABLE", { detail: `The broker did not answer a ping within ${pingMs} ms.` })),
      );
    });
    try {
      await Promise.race([broker.ping(), late]);
      metrics.brokerUp.set(1);
    } catch (error) {
      metrics.brokerUp.set(0);
      throw asFanfareError(error);
    } finally {
      cancel();
    }
  }

  app.get(
    "/healthz",
    {
      schema: {
        operationId: "health",
        tags: ["health"],
        summary: "Whether the process is alive",
        security: [],
        response: answers("It is.", Type.Object({ status: Type.Literal("alive") }), []),
      },
    },
    async () => ({ status: "alive" }),
  );

  app.get(
    "/readyz",
    {
      schema: {
        operationId: "ready",
        tags: ["health"],
        summary: "Whether publishing would work now",
        security: [],
        response: answers("It would.", Type.Object({ status: Type.Literal("ready") }), [503]),
      },
    },
    async () => {
      if (closing.aborted) throw new FanfareError("DRAINING");
      await pingBroker();
      return { status: "ready" };
    },
  );

  app.get(
    "/metrics",
    {
      schema: {
        operationId: "metrics",
        tags: ["health"],
        summary: "Prometheus metrics",
        security: [],
        response: { 200: { description: "The page.", content: { "text/plain": { schema: Type.String() } } } },
      },
    },
    async (_request, reply) => {
      // So that fanfare_broker_up is true of now, also when nobody asks for /readyz.
      await pingBroker().catch(() => undefined);
      reply.type(metrics.contentType);
      return metrics.text();
    },
  );
}
