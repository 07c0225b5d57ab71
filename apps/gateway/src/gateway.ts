import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { NodeRecord } from "@fanfare/domain";
import { Server } from "socket.io";
import { reachableHost } from "./addresses.ts";
import { acceptConnections } from "./connect.ts";
import { countConnection } from "./connections.ts";
import { keepGauges } from "./gauges.ts";
import { listen, stopListening } from "./listen.ts";
import { keepLease } from "./membership.ts";
import { originAllowed } from "./origins.ts";
import type { GatewayParts } from "./parts.ts";
import { createPeerServer, json } from "./peer-server.ts";
import type { ClientSocket } from "./session.ts";

export interface Gateway {
  readonly node: string;
  readonly port: number;
  readonly peerPort: number;
  /** What every Engine.IO session id of this node begins with, up to the dot. */
  readonly sidPrefix: string;
  /** Tells all clients, lets them go to other nodes and stops. Takes no longer than FANFARE_DRAIN_MS. */
  close(): Promise<void>;
}

/** Bytes of one message of a client, and of one polling request; what Engine.IO tells clients as `maxPayload`. */
const messageBytesMax = 1_000_000;
/** How long a connection may take to say which namespace it wants. */
const connectTimeoutMs = 10_000;
/** A reconnect storm overflows Node's default of 511 (docs/adr/0003). */
const backlog = 4_096;

/** Starts one node. Resolves when it serves; rejects when a port is taken. */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { settings, fanout, metrics, log, node, clock } = parts;
  // New at every start, so that a session id never seems to belong to a later process of the same name.
  const sidPrefix = randomBytes(4).toString("hex");
  let draining = false;

  const http = createServer((_, response) => json(response, 404, { code: "NOT_FOUND" }));
  const io = new Server(http, {
    adapter: fanout.adapter,
    path: "/socket.io/",
    serveClient: false,
    pingInterval: settings.pingIntervalMs,
    pingTimeout: settings.pingTimeoutMs,
    connectTimeout: connectTimeoutMs,
    maxHttpBufferSize: messageBytesMax,
    cors: { origin: (origin, allow) => allow(null, origin ?? true), credentials: true },
    allowRequest: (request, decide) => {
      if (!originAllowed(request, settings.origins)) return decide("ORIGIN_FORBIDDEN", false);
      // Sessions that are here may go on until they are moved; new ones belong elsewhere.
      const isNew = !request.url?.includes("sid=");
      return draining && isNew ? decide("DRAINING", false) : decide(null, true);
    },
  });
  io.engine.generateId = () => `${sidPrefix}.${randomBytes(15).toString("base64url")}`;
  io.engine.on("connection_error", ({ code }: { code: number }) => metrics.connectionErrors.inc({ code: `ENGINE_${code}` }));
  fanout.attach(io);
  acceptConnections(io, parts);
  io.on("connection", (socket: ClientSocket) => countConnection(socket, parts));

  const peer = createPeerServer(parts, {
    unready: () => (draining ? "draining" : fanout.healthy ? undefined : "publications do not reach this node"),
  });
  const port = await listen(http, settings.port, settings.host, backlog);
  const peerPort = await listen(peer, settings.peerPort, settings.host).catch(async (reason) => {
    await io.close();
    throw reason;
  });

  const startedAt = clock.now();
  const record = (): NodeRecord => ({
    node,
    peerUrl: settings.peerUrl ?? `http://${reachableHost(settings.host)}:${peerPort}`,
    startedAt,
    connections: io.engine.clientsCount,
    state: draining ? "draining" : "ready",
    version: parts.version,
  });
  const endLease = keepLease(parts, record);
  const stopGauges = keepGauges(parts);

  return {
    node,
    port,
    peerPort,
    sidPrefix,
    async close() {
      if (draining) return;
      draining = true;
      log.info({ connections: io.engine.clientsCount }, "draining");
      for (const socket of io.sockets.sockets.values()) {
        fanout.send(socket, "fanfare:closing", { code: "DRAINING", reason: "this node is shutting down", reconnect: true });
      }
      stopGauges();
      parts.recovery?.stop();
      await endLease();
      fanout.close();
      // Closes the transports, not the sockets: a client that is disconnected by name stays away for ever.
      await io.close();
      await stopListening(peer);
    },
  };
}
