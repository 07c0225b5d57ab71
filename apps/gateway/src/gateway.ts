import { trustedProxies } from "@fanfare/access";
import { type ErrorCode, FanfareError, type NodeRecord } from "@fanfare/domain";
import { type EngineServer, newSessionId, newSidPrefix, PeerGuard, Relay } from "@fanfare/relay";
import type { Server } from "socket.io";
import { AcceptGate } from "./accept-gate.ts";
import { reachableHost } from "./addresses.ts";
import { budgetOf } from "./budget.ts";
import { obeyer } from "./commands.ts";
import { acceptConnections } from "./connect.ts";
import { countConnection, countDisconnect } from "./connections.ts";
import { tellDegradation } from "./degradation.ts";
import { moveEverybody } from "./drain.ts";
import { keepGauges } from "./gauges.ts";
import { guardHandshakes } from "./handshakes.ts";
import { countPackets } from "./intake.ts";
import { createLeanServer } from "./lean/lean-server.ts";
import { LifecycleWriter } from "./lifecycle.ts";
import { type Enter, listen, ownPort, stopListening } from "./listen.ts";
import { keepLease } from "./membership.ts";
import { originAllowed, wantsScript } from "./origins.ts";
import type { GatewayParts } from "./parts.ts";
import { json } from "./peer-answer.ts";
import { createPeerServer } from "./peer-server.ts";
import { answerProbes } from "./probe.ts";
import { createPublicServer } from "./public-server.ts";
import { RandomIds } from "./random-ids.ts";
import { readiness } from "./readiness.ts";
import { startRebalancing } from "./rebalancing.ts";
import { ReceiptKeeper } from "./receipts.ts";
import { RegistryKeeper } from "./registry.ts";
import type { ClientSocket } from "./session.ts";
import { closeSlowClients } from "./slow-clients.ts";

export interface Gateway {
  readonly node: string;
  readonly port: number;
  readonly peerPort: number;
  /** What every Engine.IO session id of this node begins with, up to the dot. */
  readonly sidPrefix: string;
  /** Moves all clients to other nodes and stops. Takes no longer than FANFARE_DRAIN_MS. Idempotent. */
  close(): Promise<void>;
}

export interface GatewayOptions {
  /** What is done with connections, instead of what Fanfare does: for tests of the protocols beneath. */
  readonly accept?: (io: Server, parts: GatewayParts) => (() => void) | undefined;
  /** How long a connection may take to say which namespace it wants. */
  readonly connectTimeoutMs?: number;
  /** Where clients' connections come from. Default: the settings' port. */
  readonly enter?: Enter | undefined;
  /** Told when a peer with the cluster's secret wants the node to drain and end. */
  readonly onDrain?: () => void;
}

const path = "/socket.io/";
/** Bytes of one message of a client, and of one polling request; what Engine.IO tells clients as `maxPayload`. */
const messageBytesMax = 1_000_000;
/** To be let in again costs a node a millisecond, as much as some hundred small requests do. */
const requestsPerEntrance = 20;
/** A reconnect storm overflows Node's default of 511: 1,132 connections were dropped by the kernel when 5,000 came back. */
const backlog = 4_096;
/**
 * By when a drain has done what, as shares of its time: the clients are gone, the node has left the broker's lists, the connections are
 * closed. Nothing is waited for beyond that, and what is left of the time is for an event loop that is late.
 */
const drainShares = { moved: 0.8, left: 0.87, closed: 0.92 } as const;
/** What a node that stops waits for the directory to take it out: its lease ends by itself. */
const leaveMs = 500;
/** What it waits for clients to agree that their websockets are over. The system delivers what was said to them all the same. */
const goodbyeMs = 1_000;

/** Starts one node. Resolves when it serves; rejects when a port is taken. */
export async function startGateway(parts: GatewayParts, options: GatewayOptions = {}): Promise<Gateway> {
  const { settings, fanout, limits, metrics, log, node, clock } = parts;
  const { accept = acceptConnections, connectTimeoutMs = 10_000, onDrain } = options;
  const { enter = ownPort(settings.port, settings.host, backlog) } = options;
  const sidPrefix = newSidPrefix();
  const sessionSecrets = new RandomIds(15);
  const gate = new AcceptGate(settings.acceptPerSecond, clock);
  let draining = false;

  const { tlsCert: cert, tlsKey: key } = settings;
  const files = cert !== undefined && key !== undefined ? { cert, key, log } : undefined;
  const { http, stop: stopServer } = createPublicServer({
    listener: (_, response) => json(response, 404, { code: "NOT_FOUND" }),
    path,
    files,
    clock,
  });
  // A balancer that sends a draining node requests over a connection it keeps is to open none of the kind again.
  http.prependListener("request", (_, response) => draining && response.setHeader("connection", "close"));
  const server = createLeanServer(
    http,
    {
      adapter: fanout.adapter,
      path,
      destroyUpgrade: false,
      serveClient: false,
      pingInterval: settings.pingIntervalMs,
      pingTimeout: settings.pingTimeoutMs,
      connectTimeout: connectTimeoutMs,
      maxHttpBufferSize: messageBytesMax,
      cors: { origin: (origin, allow) => allow(null, origin ?? true), credentials: true },
      allowRequest: (request, decide) =>
        originAllowed(request, settings.origins) && !wantsScript(request)
          ? decide(null, true)
          : decide("ORIGIN_FORBIDDEN", false),
    },
    clock,
    { intake: countPackets(parts), compression: settings.compression === "on" },
  );
  const { io } = server;
  const engine = io.engine as EngineServer;
  engine.generateId = () => newSessionId(sidPrefix, sessionSecrets.next());
  engine.on("connection_error", ({ code }: { code: number }) => metrics.connectionErrors.inc({ code: `ENGINE_${code}` }));
  const probes = answerProbes(engine, clock);
  guardHandshakes(engine, (request) => {
    // The caller's share before the node's: one address that floods must not use up what all others may.
    const theirs = draining ? undefined : limits?.ofHandshake(request);
    const ours = draining ? "DRAINING" : theirs !== undefined ? undefined : ownReason(parts, gate);
    const error = ours === undefined ? theirs : new FanfareError(ours);
    if (error === undefined) return undefined;
    metrics.connectionErrors.inc({ code: error.code });
    return { error, status: ours === undefined ? 429 : 503 };
  });
  // Before the relay, which keeps the engine's listeners for sessions that may still move.
  if (limits !== undefined) engine.on("connection", (connection) => limits.countAddress(connection));
  const relay = startRelay(parts, engine, sidPrefix);
  fanout.attach(io);
  const lifecycle = startLifecycle(parts, io);
  parts.presence?.attach(io);
  closeSlowClients(parts);
  const stopWatching = accept(io, parts);
  io.on("connection", (socket) => countConnection(socket, parts));
  server.onSocketOver((socket, reason) => {
    if (reason !== undefined) countDisconnect(socket, reason, parts);
    // Who leaves may come again over the same connection, past all limits of new ones.
    if (reason === "client namespace disconnect") limits?.requests.charge(socket.conn.transport, requestsPerEntrance);
    parts.recovery?.over(socket as ClientSocket, reason);
    keeper.over(socket as ClientSocket);
    if (reason !== undefined) lifecycle?.over(socket as ClientSocket, reason);
  });

  const unready = readiness({ ...parts, draining: () => draining, shed: parts.shed });
  const peer = createPeerServer(parts, {
    unready,
    guard: new PeerGuard(settings.clusterSecret, log, clock),
    relay,
    drain: () => onDrain?.(),
    obey: obeyer(io, parts),
  });
  const peerPort = await listen(peer, settings.peerPort, settings.host, backlog);
  const startedAt = clock.now();
  const record = (): NodeRecord => ({
    node,
    peerUrl: settings.peerUrl ?? `http://${reachableHost(settings.host)}:${peerPort}`,
    sidPrefix,
    startedAt,
    connections: engine.clientsCount,
    state: draining ? "draining" : "ready",
    version: parts.version,
  });
  const lease = keepLease(parts, record);
  const keeper = new RegistryKeeper({
    ...parts,
    lifecycle,
    turnOf: (socket) => parts.recovery?.turnOf(socket) ?? 1,
    trusted: trustedProxies(settings.trustedProxies),
  });
  const registered = keeper.attach(io.of("/"));
  // Before the first session: what other nodes are asked for must be in the directory by then.
  await Promise.all([lease.told, registered]);
  const entrance = await enter(http).catch(async (reason) => {
    await Promise.all([lease.end(), keeper.end(), lifecycle?.end()]);
    await stopListening(peer);
    throw reason;
  });
  lifecycle?.node("node_joined");
  const receipts = startReceipts(parts, sidPrefix);
  const stopGauges = keepGauges(parts, { ready: () => unready() === undefined, leaseAgeMs: () => lease.ageMs });
  const stopRebalancing = settings.rebalance === "on" ? rebalancing(parts, io) : undefined;
  const stopTelling = tellDegradation({
    clock,
    flowing: () => fanout.flowing,
    tell: (notice) => {
      for (const socket of io.sockets.sockets.values()) fanout.send(socket, notice);
    },
  });

  const drain = async (): Promise<void> => {
    draining = true;
    const budget = budgetOf(settings.drainMs, clock);
    log.info({ connections: engine.clientsCount }, "draining");
    entrance.close();
    lifecycle?.node("node_draining");
    stopRebalancing?.();
    const told = lease.renew();
    const late = await moveEverybody({ io, relay, fanout, clock, withinMs: budget.left(drainShares.moved) });
    stopGauges();
    stopServer();
    limits?.stop();
    stopTelling();
    probes.stop();
    stopWatching?.();
    parts.recovery?.stop();
    lifecycle?.node("node_left", node, "drained");
    const deserted = engine.clientsCount === 0;
    const leaving = [
      told.then(() => lease.end()),
      keeper.end(),
      receipts?.end({ deserted }),
      parts.presence?.close(),
      lifecycle?.end(),
    ];
    await budget.within(drainShares.left, Promise.all(leaving), leaveMs);
    fanout.close();
    http.closeAllConnections();
    // Closes the transports of those who are still here, not their sockets: a client disconnected by name stays away. A
    // websocket is over when its client agrees, which one that reads nothing never does: ws would give it half a minute.
    await budget.within(drainShares.closed, io.close(), goodbyeMs);
    server.close();
    relay?.close();
    await budget.within(drainShares.closed, stopListening(peer), goodbyeMs);
    log.info({ late }, "drained");
  };
  let drained: Promise<void> | undefined;
  return {
    node,
    port: entrance.port,
    peerPort,
    sidPrefix,
    close() {
      drained ??= drain();
      return drained;
    },
  };
}

/** Why the node takes no new connection now. */
function ownReason({ shed }: GatewayParts, gate: AcceptGate): ErrorCode | undefined {
  if (shed?.burden !== undefined) return "OVERLOADED";
  return gate.pass() ? undefined : "RATE_LIMITED";
}

function rebalancing(parts: GatewayParts, io: Server): () => void {
  const { rebalanceFloor: floor, rebalancePerSecond: perSecond } = parts.settings;
  return startRebalancing({ ...parts, io, floor, perSecond });
}

function startReceipts({ receipts, ...parts }: GatewayParts, life: string): ReceiptKeeper | undefined {
  return receipts === undefined ? undefined : new ReceiptKeeper({ ...parts, receipts, life });
}

function startLifecycle({ lifecycle, settings, ...parts }: GatewayParts, io: Server): LifecycleWriter | undefined {
  if (lifecycle === undefined) return undefined;
  const writer = new LifecycleWriter({ ...parts, lifecycle, level: settings.events });
  writer.attach(io.of("/"), (channel) => parts.fanout.roomOf(channel));
  return writer;
}

/** Undefined when the balancer has to keep each session on its node. */
function startRelay(parts: GatewayParts, engine: EngineServer, sidPrefix: string): Relay | undefined {
  const { settings, directory, clock, log, metrics } = parts;
  const { clusterSecret: secret, forward } = settings;
  if (forward === "off") return undefined;
  if (secret === undefined) {
    log.info({ setting: "FANFARE_CLUSTER_SECRET" }, "no cluster secret: nothing is forwarded");
    return undefined;
  }
  return new Relay({ engine, sidPrefix, secret, nodes: () => directory.nodes(), clock, log, metrics });
}
