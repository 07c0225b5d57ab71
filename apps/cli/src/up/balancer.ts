import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { arrival } from "@fanfare/access";
import { FanfareError } from "@fanfare/domain";

/** A node that takes connections on a port of this machine. */
export interface Upstream {
  readonly port: number;
}

export interface Balancer {
  readonly port: number;
  close(): Promise<void>;
}

export interface BalancerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** The nodes that run at this moment. */
  readonly upstreams: () => readonly Upstream[];
}

/** Longer than Node's 511, which a storm of reconnecting clients overflows. */
const backlog = 4_096;

/** Meaningful for one hop only (RFC 9110 §7.6.1); Node sets its own. */
const hopHeaders: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding"]);

/**
 * A plain round-robin balancer in front of the nodes of one machine: each request goes to the next node in turn, whatever
 * session it belongs to, and to the one after it where that node takes no new requests. Rejects when the port cannot be had.
 */
export async function startBalancer({ host, port, upstreams }: BalancerOptions): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true });
  const tunnels = new Set<Duplex>();
  let turn = 0;

  /** The nodes to try, best first. */
  const candidates = (): Upstream[] => {
    const nodes = upstreams();
    const first = turn++ % Math.max(1, nodes.length);
    return [...nodes.slice(first), ...nodes.slice(0, first)];
  };

  const server = createServer(arrival, (request, response) => forward(request, response, candidates(), agent));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    tunnels.add(socket);
    socket.once("close", () => tunnels.delete(socket));
    tunnel(request, socket, head, candidates());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of tunnels) socket.destroy();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

function forward(request: IncomingMessage, response: ServerResponse, [upstream, ...others]: Upstream[], agent: Agent): void {
  if (upstream === undefined) {
    refuse(response);
    return;
  }
  const { method, url: path } = request;
  const outgoing = httpRequest({ host: "127.0.0.1", port: upstream.port, method, path, headers: headersOf(request), agent });
  // A client that gives up a poll gives it up at the node too, or the node would answer into the void and lose packets.
  response.once("close", () => outgoing.destroy());
  outgoing.once("response", (answer) => {
    // A node that is full or shutting down: the others may have room.
    if (answer.statusCode === 503 && others.length > 0 && hasNoBody(request)) {
      answer.resume();
      forward(request, response, others, agent);
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
    answer.pipe(response);
    answer.once("error", () => response.destroy());
  });
  outgoing.once("error", (error: NodeJS.ErrnoException) => {
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    // Nobody was there: no node can have acted on it, and nothing of a body was read.
    else if (error.code === "ECONNREFUSED") forward(request, response, others, agent);
    // The node closed an idle connection in the moment when we used it again. What it may have had an answer to is not sent
    // again: the answer to a poll is given once.
    else if (hasNoBody(request) && !namesSession(request) && outgoing.reusedSocket)
      forward(request, response, [upstream, ...others], agent);
    else refuse(response);
  });
  // A body only once there is somewhere for it to go.
  outgoing.once("socket", (socket) => {
    if (socket.connecting) socket.once("connect", () => request.pipe(outgoing));
    else request.pipe(outgoing);
  });
}

function tunnel(request: IncomingMessage, socket: Duplex, head: Buffer, [upstream, ...others]: Upstream[]): void {
  if (upstream === undefined) {
    socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const node = connect({ host: "127.0.0.1", port: upstream.port, noDelay: true });
  const giveUp = () => node.destroy();
  socket.once("close", giveUp);
  socket.on("error", giveUp);
  let connected = false;
  node.once("error", () => {
    if (connected) return socket.destroy();
    socket.off("close", giveUp);
    socket.off("error", giveUp);
    tunnel(request, socket, head, others);
  });
  node.once("connect", () => {
    connected = true;
    node.once("close", () => socket.destroy());
    node.write(`${request.method} ${request.url} HTTP/1.1\r\n${headerLines(request)}\r\n`);
    node.write(head);
    socket.pipe(node).pipe(socket);
  });
}

function headersOf(request: IncomingMessage): IncomingHttpHeaders {
  const { connection: _, "keep-alive": __, ...headers } = request.headers;
  return { ...headers, "x-forwarded-for": forwardedFor(request) };
}

/** The headers of an upgrade as they came, this time with `Connection` and `Upgrade`. */
function headerLines(request: IncomingMessage): string {
  const lines = pairs(request.rawHeaders).filter(([name]) => name.toLowerCase() !== "x-forwarded-for");
  return [...lines, ["X-Forwarded-For", forwardedFor(request)]].map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

function forwardedFor({ headers, socket }: IncomingMessage): string {
  const before = headers["x-forwarded-for"];
  return [before ?? [], socket.remoteAddress ?? "unknown"].flat().join(", ");
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  return pairs(rawHeaders)
    .filter(([name]) => !hopHeaders.has(name.toLowerCase()))
    .flat();
}

/** Node's flat list of names and values, two by two. */
function pairs(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""]] : []));
}

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
}

function namesSession({ url = "" }: IncomingMessage): boolean {
  return /[?&]sid=/.test(url);
}

function refuse(response: ServerResponse): void {
  const { code, status, message } = new FanfareError("DRAINING", { detail: "No node is running at the moment: try again." });
  // Pages of other origins may read it, or they would be told of a breach of CORS instead.
  const headers = { "content-type": "application/problem+json", "retry-after": "1", "access-control-allow-origin": "*" };
  response.writeHead(status, headers);
  response.end(JSON.stringify({ type: "about:blank", title: "Service Unavailable", status, code, detail: message }));
}
