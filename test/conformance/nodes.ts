import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseRules } from "@fanfare/access";
import { openBackend } from "@fanfare/broker";
import { type Directory, type NodeRecord, systemClock } from "@fanfare/domain";
import { Fanout } from "@fanfare/fanout";
import { type GatewayParts, observeFanout, startGateway } from "@fanfare/gateway";
import { newSessionId, newSidPrefix, Relay } from "@fanfare/relay";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { Server as EngineServer } from "engine.io";
import type { Server } from "socket.io";

/** A node to be tested for its protocols, in this process. */
export interface ConformanceNode {
  readonly port: number;
  close(): Promise<void>;
}

/** What the official suites expect of a server. */
const timing = { pingIntervalMs: 300, pingTimeoutMs: 200 } as const;
const secret = "conformance";
const log = createLog({ name: "conformance", level: "error" });

/** Gateways without recovery, whose connections echo instead of subscribing, and which know each other. */
export async function startSocketIoNodes(count: number): Promise<ConformanceNode[]> {
  // Of what nodes share, only the directory matters here.
  const { directory } = openBackend({ cluster: "conformance", log });
  return Promise.all(Array.from({ length: count }, (_, index) => startSocketIoNode(`node-${index + 1}`, directory)));
}

async function startSocketIoNode(node: string, directory: Directory): Promise<ConformanceNode> {
  const { broker, pubSub, registry } = openBackend({ cluster: node, log });
  const metrics = createMetrics({ app: "gateway", node });
  const fanout = new Fanout({
    broker,
    pubSub,
    cluster: node,
    node,
    bookmarks: false,
    clock: systemClock,
    retention: () => ({ count: 0, seconds: 60 }),
    slow: () => "disconnect",
    bufferBytesMax: 1_048_576,
    flushMsMax: 5,
    observer: observeFanout(metrics),
  });
  const parts: GatewayParts = {
    node,
    version: "0.0.0",
    settings: {
      host: "127.0.0.1",
      port: 0,
      peerPort: 0,
      origins: ["*"],
      drainMs: 0,
      drainStatus: "503",
      clusterSecret: secret,
      forward: "on",
      acceptPerSecond: 10_000,
      compression: "off",
      rebalance: "off",
      rebalancePerSecond: 1,
      events: "off",
      rebalanceFloor: 0,
      trustedProxies: [],
      ...timing,
    },
    broker,
    directory,
    registry,
    fanout,
    recovery: undefined,
    limits: undefined,
    presence: undefined,
    rules: parseRules({}),
    tokens: undefined,
    authorizer: undefined,
    revocations: undefined,
    clock: systemClock,
    log,
    metrics,
  };
  return startGateway(parts, { accept: echo, connectTimeoutMs: 1_000 });
}

/** The events and namespaces that the Socket.IO suite expects. Nothing else is sent on a connection. */
function echo(io: Server): undefined {
  for (const namespace of ["/", "/custom"]) {
    io.of(namespace).on("connection", (socket) => {
      socket.emit("auth", socket.handshake.auth);
      socket.on("message", (...args: unknown[]) => void socket.emit("message-back", ...args));
      socket.on("message-with-ack", (...args: unknown[]) => {
        const ack = args.pop();
        if (typeof ack === "function") ack(...args);
      });
    });
  }
}

/** Bare Engine.IO servers at `/engine.io/` that send back every message, behind the same relay as the gateway's. */
export async function startEngineNodes(count: number): Promise<ConformanceNode[]> {
  const records: NodeRecord[] = [];
  return Promise.all(Array.from({ length: count }, () => startEngineNode(records)));
}

async function startEngineNode(records: NodeRecord[]): Promise<ConformanceNode> {
  const http = createServer();
  const peers = createServer();
  await Promise.all([http, peers].map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))));
  const [port, peerPort] = [http, peers].map((server) => (server.address() as AddressInfo).port);
  const engine = new EngineServer({
    pingInterval: timing.pingIntervalMs,
    pingTimeout: timing.pingTimeoutMs,
    cors: { origin: "*" },
  });
  engine.attach(http, { path: "/engine.io/" });
  engine.on("connection", (socket) => socket.on("data", (data: string | Buffer) => void socket.send(data)));
  const sidPrefix = newSidPrefix();
  engine.generateId = () => newSessionId(sidPrefix);
  const relay = new Relay({
    engine,
    sidPrefix,
    secret,
    nodes: async () => records,
    clock: systemClock,
    log,
    metrics: createMetrics({ app: "gateway" }),
  });
  peers.on("request", (request, response) => relay.serve(request, response));
  peers.on("upgrade", (request, socket, head) => relay.serveUpgrade(request, socket, head));
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  records.push({ node: sidPrefix, sidPrefix, peerUrl, startedAt: 0, connections: 0, state: "ready", version: "0.0.0" });
  return {
    port: port ?? 0,
    async close() {
      engine.close();
      relay.close();
      for (const server of [http, peers]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
}
