import type { AddressInfo } from "node:net";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import Fastify from "fastify";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { serve } from "../process/worker.ts";

/** The control: what one writes with Socket.IO's own documentation in hand. */
function stockNode() {
  let heard = 0;
  let subscribing: Redis | undefined;
  return {
    async start({ redisSocket, adapter }: { redisSocket: string; adapter: "sharded" | "classic" }): Promise<number> {
      const publisher = new Redis(redisSocket);
      const subscriber = publisher.duplicate();
      subscribing = subscriber;
      const app = Fastify();
      const io = new Server(app.server, {
        serveClient: false,
        adapter: adapter === "sharded" ? createShardedAdapter(publisher, subscriber) : createAdapter(publisher, subscriber),
      });
      io.on("connection", (socket) => {
        socket.on("echo", (data: unknown, ack: (answer: unknown) => void) => ack({ ok: true, echo: data }));
        socket.on("subscribe", async (room: string, ack: (answer: { ok: true }) => void) => {
          await socket.join(room);
          ack({ ok: true });
        });
      });
      app.post<{ Body: { room: string; data: unknown } }>("/publish", async ({ body: { room, data } }) => {
        io.to(room).emit("message", data);
        return { ok: true };
      });
      await app.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
      return (app.server.address() as AddressInfo).port;
    },

    /** Begins to count what this node hears from Redis. */
    async countHeard(_: Record<string, never>): Promise<void> {
      const count = () => {
        heard += 1;
      };
      for (const event of ["messageBuffer", "pmessageBuffer", "smessageBuffer"]) subscribing?.on(event, count);
    },

    async heard(_: Record<string, never>): Promise<number> {
      return heard;
    },
  };
}

export type StockDuties = ReturnType<typeof stockNode>;
serve(stockNode());
