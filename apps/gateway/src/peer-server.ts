import { createServer, type Server, type ServerResponse } from "node:http";
import type { GatewayParts } from "./parts.ts";

export interface Health {
  /** Why the node should get no new clients, or undefined when it should. */
  unready(): string | undefined;
}

/** The node's inward port: `/healthz` (the process answers), `/readyz` (send it clients) and `/metrics`. */
export function createPeerServer({ metrics, log }: Pick<GatewayParts, "metrics" | "log">, health: Health): Server {
  return createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") return json(response, 405, { code: "METHOD_NOT_ALLOWED" });
    switch (path) {
      case "/healthz":
        return json(response, 200, { status: "alive" });
      case "/readyz": {
        const reason = health.unready();
        return reason === undefined
          ? json(response, 200, { status: "ready" })
          : json(response, 503, { status: "unready", reason });
      }
      case "/metrics":
        metrics.text().then(
          (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
          (err) => {
            log.error({ err }, "metrics failed");
            json(response, 500, { code: "INTERNAL" });
          },
        );
        return;
      default:
        return json(response, 404, { code: "NOT_FOUND" });
    }
  });
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}
