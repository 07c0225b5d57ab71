import type { Socket } from "node:net";
import type { Clock } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";

/** How long the rest of a request is read away after its answer: closing at once could cost the caller the answer. */
const leftoverMs = 2_000;

/**
 * Ends connections whose request takes too long to arrive, except NDJSON streams, which may take all day. Node's own
 * `requestTimeout` knows no exceptions, so it is off and this stands for it. As there, the first request of a connection
 * begins when it is opened, or a slow sender would have this time twice.
 */
export function limitBodyTime(app: FastifyInstance, withinMs: number, clock: Pick<Clock, "monotonic">): void {
  const openedAtMs = new WeakMap<Socket, number>();
  app.server.on("connection", (socket: Socket) => openedAtMs.set(socket, clock.monotonic()));
  app.addHook("onRequest", ({ raw, routeOptions }, reply, done) => {
    const usedMs = clock.monotonic() - (openedAtMs.get(raw.socket) ?? clock.monotonic());
    openedAtMs.delete(raw.socket);
    if (raw.complete) {
      done();
      return;
    }
    if (routeOptions.config.endless) {
      // Only who was let in may take all day: whoever has got an answer already has nothing more to say.
      reply.raw.once("finish", () => {
        if (raw.complete) return;
        const timer = setTimeout(() => raw.destroy(), leftoverMs);
        raw.once("close", () => clearTimeout(timer));
      });
    } else {
      const timer = setTimeout(() => raw.destroy(), Math.max(0, withinMs - usedMs));
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
