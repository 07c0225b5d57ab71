import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WatchedConnections } from "@fanfare/access";
import type { Clock } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";

/** How long the rest of a request is read away after its answer: closing at once could cost the caller the answer. */
const leftoverMs = 2_000;
/** Between two looks at the requests that have not arrived. */
const lookMs = 500;

interface Arriving {
  /** Of the first request of a connection. */
  openedAtMs: number | undefined;
  /** The newest one that had not arrived when its head had, and until when it may. */
  request: IncomingMessage | undefined;
  dueMs: number;
}

/**
 * Ends connections whose request takes too long to arrive, except NDJSON streams, which may take all day. Node's own
 * `requestTimeout` knows no exceptions, so it is off and this stands for it. As there, the first request of a connection
 * begins when it is opened, or a slow sender would have this time twice.
 */
export function limitBodyTime(app: FastifyInstance, withinMs: number, clock: Pick<Clock, "monotonic" | "after">): void {
  const connections = new WatchedConnections<Arriving>(
    app.server,
    clock,
    Math.min(lookMs, withinMs),
    (_socket, arriving, nowMs) => {
      const { request, dueMs } = arriving;
      if (request === undefined || request.complete) arriving.request = undefined;
      else if (nowMs >= dueMs) request.destroy();
    },
  );
  app.server.on("connection", (socket: Socket) => {
    connections.add(socket, { openedAtMs: clock.monotonic(), request: undefined, dueMs: 0 });
  });

  app.addHook("onRequest", ({ raw, routeOptions }, reply, done) => {
    const arriving = connections.get(raw.socket);
    const { openedAtMs } = arriving ?? {};
    if (arriving !== undefined) arriving.openedAtMs = undefined;
    if (!raw.complete && routeOptions.config.endless) {
      // Only who was let in may take all day: whoever has got an answer already has nothing more to say.
      reply.raw.once("finish", () => {
        if (raw.complete) return;
        const timer = setTimeout(() => raw.destroy(), leftoverMs);
        raw.once("close", () => clearTimeout(timer));
      });
    } else if (!raw.complete && arriving !== undefined) {
      arriving.request = raw;
      arriving.dueMs = (openedAtMs ?? clock.monotonic()) + withinMs;
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
