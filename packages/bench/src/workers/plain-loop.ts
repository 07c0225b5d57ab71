import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { WebSocketServer } from "ws";
import { serve } from "../process/worker.ts";

/** The control without Socket.IO: the loop over all clients that every tutorial on websockets has. */
const duties = {
  async start(_: Record<string, never>): Promise<number> {
    const app = Fastify();
    const server = new WebSocketServer({ server: app.server });
    app.post<{ Body: { data: unknown } }>("/publish", async ({ body: { data } }) => {
      const text = JSON.stringify(data);
      for (const client of server.clients) client.send(text);
      return { ok: true };
    });
    await app.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
    return (app.server.address() as AddressInfo).port;
  },
};

export type PlainDuties = typeof duties;
serve(duties);
