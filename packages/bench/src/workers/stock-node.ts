import type { AddressInfo } from "node:net";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import Fastify from "fastify";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { serve } from "../process/worker.ts";

/** The control: what one writes with Socket.IO's own documentation in hand. */
const duties = {
  async start({ redisSocket, adapter }: { redisSocket: string; adapter: "sharded" | "classic" }): Promise<number> {
    const publisher = new Redis(redisSocket);
    const subscriber = publisher.duplicate();
    const app = Fastify();
    const io = new Server(app.server, {
      serveClient: false,
      adapter: adapter === "sharded" ? createShardedAdapter(publisher, subscriber) : createAdapter(publisher, subscriber),
    });
    io.on("connection", (socket) => {
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
};

export type StockDuties = typeof duties;
serve(duties);
