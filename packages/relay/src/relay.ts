import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, FanfareError, type NodeRecord } from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import type { Server } from "engine.io";
import { type Engine, insideOf } from "./engine.ts";
import { forward } from "./forward.ts";
import { answerPoll, HeldSessions } from "./held.ts";
import { sessionFromJson, sessionToJson } from "./moving.ts";
import { Owners } from "./owners.ts";
import { orderPeer, type PeerAgents, peerAgents } from "./peer.ts";
import { ownerOf, sessionIdOf } from "./session-id.ts";
import { splice } from "./splice.ts";
import { takeOver } from "./take-over.ts";

export type { Server as EngineServer } from "engine.io";

export interface RelayParts {
  readonly engine: Server;
  /** What this node's session ids begin with. */
  readonly sidPrefix: string;
  /** The cluster's, which every peer asks for. */
  readonly secret: string;
  /** The nodes of the cluster: no other address is ever dialled, whatever a session id says. */
  readonly nodes: () => Promise<readonly NodeRecord[]>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "relayRequests" | "takeovers" | "splices">;
  /** How long a websocket passes through two nodes, half of it more or less. */
  readonly spliceMs?: number;
}

/**
 * A spliced websocket costs each delivery twice, so it ends after a while: its client comes back within about a second, is
 * restored, and has another chance to get to one node. Long, because a client that is far away may well miss it again.
 */
const spliceMsDefault = 300_000;

/** Connections to one peer. Polls wait for news and take one each; what a client says must never wait behind them. */
const pollsMax = 16_384;
const postsMax = 1_024;
const ordersMax = 64;

/** Where peers give orders about one session: `/relay/<order>?sid=`. */
const ordersPath = "/relay/";

/**
 * Lets every request of every session land on any node. A poll or a post for a session of another node goes to that node
 * and its answer back; a websocket takes its session along to this node, or is spliced when that cannot be done.
 */
export class Relay {
  readonly #parts: RelayParts;
  readonly #engine: Engine;
  readonly #owners: Owners;
  readonly #held: HeldSessions;
  readonly #polls = peerAgents(pollsMax);
  readonly #posts = peerAgents(postsMax);
  readonly #orders = peerAgents(ordersMax);
  /** Polls that wait at their owner, by where the answer goes. */
  readonly #waiting = new Map<ServerResponse, { readonly peerUrl: string; readonly sessionId: string }>();
  readonly #splices = new Set<Duplex>();
  readonly #local: Pick<Engine, "handleRequest" | "handleUpgrade">;

  /** Puts itself in front of the engine's handlers. The engine must already have its listeners. */
  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#owners = new Owners(parts.nodes, parts.clock);
    const engine = insideOf(parts.engine);
    this.#engine = engine;
    this.#held = new HeldSessions(engine, () => this.#owners.count > 1, parts.clock);
    this.#local = { handleRequest: engine.handleRequest.bind(engine), handleUpgrade: engine.handleUpgrade.bind(engine) };
    // Engine.IO looks both up at every request, so replacing them is all it takes.
    engine.handleRequest = (request, response) => {
      const foreign = this.#foreign(request);
      if (foreign === undefined) this.#local.handleRequest(request, response);
      else void this.#relay(request, response, ...foreign);
    };
    engine.handleUpgrade = (request, socket, head) => {
      // A websocket begins with a GET (RFC 6455 §4.1); whatever else there is, with a body maybe, is refused here.
      const foreign = request.method === "GET" ? this.#foreign(request) : undefined;
      if (foreign === undefined) this.#upgradeHere(request, socket, head);
      else void this.#relayUpgrade(request, socket, head, ...foreign);
    };
  }

  /** Clients' websockets that belong to sessions of other nodes. They end with this node. */
  get splices(): ReadonlySet<Duplex> {
    return this.#splices;
  }

  /** A peer's request, whose secret has been checked. It ends here: what is not known here is known nowhere. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.startsWith(ordersPath)) this.#obey(request, response);
    else this.#local.handleRequest(request, response);
  }

  serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgradeHere(request, socket, head);
  }

  /**
   * For a node that stops: polls that wait at other nodes are answered there, with nothing, so that their clients' next ones
   * go another way. Sessions that are still held back are let in, so that they can be told.
   */
  async release(): Promise<void> {
    this.#held.releaseAll();
    const orders = [...this.#waiting.values()].map(({ peerUrl, sessionId }) => this.#order(peerUrl, "noop", sessionId));
    await Promise.allSettled(orders);
  }

  close(): void {
    for (const socket of this.#splices) socket.destroy();
    for (const { http, https } of [this.#polls, this.#posts, this.#orders]) {
      http.destroy();
      https.destroy();
    }
  }

  /** The session and its owner's prefix, when both are somewhere else. */
  #foreign({ url, method }: IncomingMessage): [sessionId: string, prefix: string] | undefined {
    // Whatever else is asked, such as a browser's OPTIONS, has the same answer everywhere.
    if (method !== "GET" && method !== "POST") return undefined;
    const sessionId = sessionIdOf(url);
    const prefix = sessionId === undefined ? undefined : ownerOf(sessionId);
    if (sessionId === undefined || prefix === undefined || prefix === this.#parts.sidPrefix) return undefined;
    // A session that moved here kept its name.
    return Object.hasOwn(this.#engine.clients, sessionId) ? undefined : [sessionId, prefix];
  }

  async #relay(request: IncomingMessage, response: ServerResponse, sessionId: string, prefix: string): Promise<void> {
    const kind = request.method === "GET" ? "poll" : "post";
    response.on("error", () => undefined);
    const peerUrl = await this.#owners.resolve(prefix);
    const { secret, clock, metrics, log } = this.#parts;
    const agents: PeerAgents = kind === "poll" ? this.#polls : this.#posts;
    if (kind === "poll" && peerUrl !== undefined) this.#waiting.set(response, { peerUrl, sessionId });
    const outcome = peerUrl === undefined ? "unknown" : await forward(request, response, { peerUrl, secret, agents, clock });
    this.#waiting.delete(response);
    metrics.relayRequests.inc({ kind, outcome });
    if (outcome === "refused") log.debug({ peerUrl }, "peer has another secret");
    // This engine does not know the session either and says so in the words that make a client begin anew, at once.
    if (outcome === "unknown" || outcome === "unreachable" || outcome === "refused") {
      this.#local.handleRequest(request, response);
    }
  }

  async #relayUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, id: string, prefix: string): Promise<void> {
    // Its end is noticed by its `close`.
    socket.on("error", () => undefined);
    const { secret, clock, metrics } = this.#parts;
    const kind = "upgrade";
    const peerUrl = await this.#owners.resolve(prefix);
    if (peerUrl === undefined) {
      metrics.relayRequests.inc({ kind, outcome: "unknown" });
      this.#local.handleUpgrade(request, socket, head);
      return;
    }
    const outcome = await takeOver(request, socket, head, {
      engine: this.#engine,
      sessionId: id,
      clock,
      owner: {
        claim: async () => void (await this.#order(peerUrl, "claim", id)),
        take: async () => sessionFromJson(await this.#order(peerUrl, "take", id)),
        release: async () => void (await this.#order(peerUrl, "release", id)),
      },
    });
    metrics.takeovers.inc({ outcome });
    if (outcome !== "missed") return;
    if (socket.destroyed) return void metrics.relayRequests.inc({ kind, outcome: "aborted" });

    const spliced = await splice(request, socket, head, { peerUrl, secret, clock });
    metrics.relayRequests.inc({ kind, outcome: spliced === "open" ? "forwarded" : "unreachable" });
    if (spliced === "open") this.#count(socket);
    else if (!socket.destroyed) this.#local.handleUpgrade(request, socket, head);
  }

  #count(socket: Duplex): void {
    if (socket.destroyed) return;
    this.#splices.add(socket);
    const { metrics, clock, spliceMs = spliceMsDefault } = this.#parts;
    metrics.splices.inc();
    const callOff = clock.after(spliceMs * (0.5 + Math.random()), () => socket.destroy());
    socket.once("close", () => {
      callOff();
      this.#splices.delete(socket);
      metrics.splices.dec();
    });
  }

  #upgradeHere(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const sessionId = sessionIdOf(request.url);
    if (sessionId === undefined || !this.#held.hasMoved(sessionId)) {
      this.#local.handleUpgrade(request, socket, head);
      return;
    }
    // A second websocket of a session that has one: the engine accepts such and closes it, and would here have forgotten it.
    socket.on("error", () => undefined);
    this.#engine.prepare(request);
    this.#engine.ws.handleUpgrade(request, socket, head, (websocket) => websocket.on("error", () => undefined).close());
  }

  #order(peerUrl: string, order: string, sessionId: string): Promise<unknown> {
    const path = `${ordersPath}${order}?sid=${encodeURIComponent(sessionId)}`;
    return orderPeer(peerUrl, path, this.#parts.secret, this.#orders);
  }

  #obey({ url = "", method }: IncomingMessage, response: ServerResponse): void {
    const sessionId = sessionIdOf(url) ?? "";
    const order = method === "POST" ? url.slice(ordersPath.length, url.indexOf("?")) : "";
    const answer = (status: number, body: unknown = {}) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    switch (order) {
      case "claim":
        return void answer(this.#held.claim(sessionId) ? 200 : 409);
      case "take": {
        const session = this.#held.take(sessionId);
        return void (session === undefined ? answer(409) : answer(200, sessionToJson(session)));
      }
      case "release":
        this.#held.release(sessionId);
        return void answer(200);
      case "noop":
        this.#answerPoll(sessionId);
        return void answer(200);
      default:
        return void answer(404, new FanfareError("NOT_FOUND").toBody());
    }
  }

  #answerPoll(sessionId: string): void {
    // Not by the index alone: it also finds what every object has.
    const socket = Object.hasOwn(this.#engine.clients, sessionId) ? this.#engine.clients[sessionId] : undefined;
    if (socket !== undefined) answerPoll(socket);
  }
}
