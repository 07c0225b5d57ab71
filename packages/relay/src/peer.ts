import { createHash, timingSafeEqual } from "node:crypto";
import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { type Clock, FanfareError } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";

/** Shows a node that a request on its peer port comes from its own cluster. Only ever sent to peers. */
export const secretHeader = "x-fanfare-secret";

/** How long a node may take to accept a connection on its peer port. */
export const connectMs = 2_000;
/** A connection that idles is ours to close first: the peer's keepAliveTimeout is longer, or a request could meet a reset. */
const idleMs = 30_000;
export const peerKeepAliveMs = 65_000;
/** How long an order to a peer may take. */
const orderMs = 5_000;
const logAgainMs = 60_000;
/** Sources that are remembered to be logged only once a minute. */
const sourcesMax = 1_000;

/** Connections to one peer: polls that wait for news take one each. */
export function peerAgents(socketsMax: number): PeerAgents {
  const options = { keepAlive: true, noDelay: true, maxSockets: socketsMax, maxFreeSockets: 256, timeout: idleMs };
  return { http: new Agent(options), https: new TlsAgent(options) };
}

export interface PeerAgents {
  readonly http: Agent;
  readonly https: TlsAgent;
}

/** A request to a peer, over TLS where its URL says so. The caller ends it. */
export function requestPeer(url: URL, agents: PeerAgents, options: RequestOptions) {
  return url.protocol === "https:"
    ? tlsRequest(url, { ...options, agent: agents.https })
    : request(url, { ...options, agent: agents.http });
}

/**
 * Tells a node something on its peer port, with a body of JSON where one is given, and resolves with its answer. Rejects with
 * `NODE_UNREACHABLE` unless the node answers 2xx in time.
 */
export function orderPeer(peerUrl: string, path: string, secret: string, agents: PeerAgents, body?: unknown): Promise<unknown> {
  const bytes = Buffer.from(body === undefined ? "" : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown, detail?: string) =>
      reject(new FanfareError("NODE_UNREACHABLE", { cause, ...(detail === undefined ? {} : { detail }) }));
    const outgoing = requestPeer(new URL(path, peerUrl), agents, {
      method: "POST",
      headers: { [secretHeader]: secret, "content-length": bytes.length },
      signal: AbortSignal.timeout(orderMs),
    });
    outgoing.once("error", failed);
    outgoing.once("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.once("error", failed);
      answer.once("end", () => {
        const status = answer.statusCode ?? 0;
        if (status < 200 || status > 299) return failed(undefined, `The node answered ${status} on its peer port.`);
        try {
          resolve(text === "" ? undefined : JSON.parse(text));
        } catch (cause) {
          failed(cause);
        }
      });
    });
    outgoing.end(bytes);
  });
}

/** Lets in whoever has the cluster's secret. */
export class PeerGuard {
  readonly #digest: Buffer | undefined;
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #loggedAtMs = new Map<string, number>();

  /** Without a secret nobody is let in. */
  constructor(secret: string | undefined, log: Log, clock: Pick<Clock, "monotonic">) {
    this.#digest = secret === undefined ? undefined : digest(secret);
    this.#log = log;
    this.#clock = clock;
  }

  allows(request: IncomingMessage): boolean {
    const shown = request.headers[secretHeader];
    // Digests have one length, so comparing them takes the same time whatever was shown.
    if (this.#digest !== undefined && typeof shown === "string" && timingSafeEqual(digest(shown), this.#digest)) return true;
    this.#note(request.socket.remoteAddress ?? "unknown", shown === undefined ? "missing" : "wrong");
    return false;
  }

  #note(source: string, secret: "missing" | "wrong"): void {
    const now = this.#clock.monotonic();
    if (now - (this.#loggedAtMs.get(source) ?? Number.NEGATIVE_INFINITY) < logAgainMs) return;
    if (this.#loggedAtMs.size >= sourcesMax) this.#loggedAtMs.clear();
    this.#loggedAtMs.set(source, now);
    // Not named `secret`: the log hides fields of that name.
    this.#log.warn({ source, shown: secret }, "peer request refused");
  }
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
