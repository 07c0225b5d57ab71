import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { arrival, closeUnread, hangUp } from "@fanfare/access";
import { type PeerGuard, peerKeepAliveMs, type Relay } from "@fanfare/relay";
import type { Obey } from "./commands.ts";
import type { GatewayParts } from "./parts.ts";
import { json } from "./peer-answer.ts";
import { serveCommand } from "./peer-commands.ts";
import type { Unready } from "./readiness.ts";

export interface PeerServerOptions {
  /** Why the node should get no new clients and the status that says so, or undefined when it should. */
  unready(): Unready | undefined;
  readonly guard: PeerGuard;
  /** Absent: nothing is forwarded. */
  readonly relay: Relay | undefined;
  /** Begins to move the clients away and then to end. */
  drain(): void;
  readonly obey: Obey;
}

/**
 * The node's inward port. For everybody who reaches it: `/healthz` (the process answers), `/readyz` (send it clients) and
 * `/metrics`. For peers, who show the cluster's secret: their clients' requests, `/relay/`, `/commands` and `/drain`.
 */
export function createPeerServer(parts: Pick<GatewayParts, "metrics" | "log" | "clock">, options: PeerServerOptions): Server {
  const { guard, relay } = options;
  // Kept open for longer than peers keep them: a request must not meet a connection that is just being closed.
  const server = createServer({ ...arrival, keepAliveTimeout: peerKeepAliveMs, noDelay: true }, (request, response) => {
    if (!isForPeers(request)) answerAnybody(request, response, parts, options);
    else if (!guard.allows(request)) json(response, 401, { code: "UNAUTHENTICATED" });
    else if (announcesBody(request) && request.method !== "POST") refuseBody(response);
    else if (request.url === "/commands" && request.method === "POST") void serveCommand(request, response, options.obey);
    else if (request.url !== "/drain" && request.url !== "/commands") {
      if (relay === undefined) notFound(response);
      else relay.serve(request, response);
    } else if (request.method !== "POST") json(response, 405, { code: "METHOD_NOT_ALLOWED" });
    else {
      json(response, 202, { state: "draining" });
      options.drain();
    }
  });
  closeUnread(server, parts.clock);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => undefined);
    if (!isForPeers(request)) refuseUpgrade(socket, "404 Not Found");
    else if (!guard.allows(request)) refuseUpgrade(socket, "401 Unauthorized");
    else if (relay === undefined) refuseUpgrade(socket, "404 Not Found");
    else relay.serveUpgrade(request, socket, head);
  });
  return server;
}

function isForPeers({ url = "" }: IncomingMessage): boolean {
  return url === "/drain" || url === "/commands" || url.startsWith("/relay/") || url.startsWith("/socket.io/");
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return (headers["content-length"] ?? "0") !== "0" || headers["transfer-encoding"] !== undefined;
}

/**
 * Peers send bodies with posts only. What one announces otherwise may never come, and would then be taken from the next
 * request on this connection, which is another client's: so there is no next one.
 */
function refuseBody(response: ServerResponse): void {
  response.setHeader("connection", "close");
  json(response, 400, { code: "REQUEST_INVALID" });
}

function answerAnybody(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, log }: Pick<GatewayParts, "metrics" | "log">,
  { unready }: PeerServerOptions,
): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    json(response, 405, { code: "METHOD_NOT_ALLOWED" });
    return;
  }
  const path = request.url?.split("?")[0];
  if (path === "/healthz") json(response, 200, { status: "alive" });
  else if (path === "/readyz") {
    const why = unready();
    json(response, why?.status ?? 200, why === undefined ? { status: "ready" } : { status: "unready", reason: why.reason });
  } else if (path === "/metrics") {
    metrics.text().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      (err) => {
        log.error({ err }, "metrics failed");
        json(response, 500, { code: "INTERNAL" });
      },
    );
  } else notFound(response);
}

function notFound(response: ServerResponse): void {
  json(response, 404, { code: "NOT_FOUND" });
}

function refuseUpgrade(socket: Duplex, status: string): void {
  hangUp(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
