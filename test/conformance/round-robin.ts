import { Agent, createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";

export interface RoundRobin {
  readonly port: number;
  readonly url: string;
  /** Loses the next answer to a poll of a session, and sends that poll to the next node, as a proxy may (RFC 9110 §9.2.2). */
  loseAnswer(): void;
  /** Breaks a client's connection, any one of them, as a network does: nobody is told. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * The dumbest balancer there is: every single request, also of one connection and one session, goes to the next upstream
 * in turn. It tries another one only where nobody accepts the connection, and for a GET that is answered 503; both are what
 * HAProxy and nginx can do.
 */
export async function startRoundRobin(
  upstreams: () => readonly number[],
  port = 0,
  order: "in turn" | "at random" = "in turn",
): Promise<RoundRobin> {
  const agent = new Agent({ keepAlive: true });
  const tunnels = new Set<Duplex>();
  let turn = 0;
  let losing = false;
  const inTurn = (): number[] => {
    const ports = upstreams();
    const step = order === "in turn" ? turn++ : Math.floor(Math.random() * ports.length);
    const first = step % Math.max(1, ports.length);
    return [...ports.slice(first), ...ports.slice(0, first)];
  };

  const server = createServer((request, response) => {
    const send = ([to, ...others]: number[]): void => {
      if (to === undefined) {
        response.writeHead(502).end();
        return;
      }
      const { method, url: path, headers } = request;
      const outgoing = httpRequest({ host: "127.0.0.1", port: to, method, path, headers: forwarded(request, headers), agent });
      const giveUp = (): void => void outgoing.destroy();
      response.once("close", giveUp);
      // The body only once it has somewhere to go, so that it can still go elsewhere.
      outgoing.once("socket", (socket) => {
        if (socket.connecting) socket.once("connect", () => request.pipe(outgoing));
        else request.pipe(outgoing);
      });
      outgoing.once("response", (answer) => {
        const loses = losing && answer.statusCode === 200 && method === "GET" && path?.includes("sid=") === true;
        if (loses) losing = false;
        if (loses || (answer.statusCode === 503 && method === "GET" && others.length > 0)) {
          answer.resume();
          response.off("close", giveUp);
          send(others);
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.once("error", () => response.destroy());
      });
      outgoing.once("error", (error: NodeJS.ErrnoException) => {
        response.off("close", giveUp);
        if (error.code === "ECONNREFUSED") send(others);
        else if (response.headersSent) response.destroy();
        else response.writeHead(502).end();
      });
    };
    send(inTurn());
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    tunnels.add(socket);
    socket.once("close", () => tunnels.delete(socket));
    socket.on("error", () => undefined);
    tunnel(request, socket, head, inTurn());
  });
  const connections = new Set<Duplex>();
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen({ port, host: "127.0.0.1", backlog: 4_096 }, resolve));
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    loseAnswer() {
      losing = true;
    },
    cut() {
      const all = [...connections];
      all[Math.floor(Math.random() * all.length)]?.destroy();
    },
    async close() {
      for (const socket of tunnels) socket.destroy();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

function tunnel(request: IncomingMessage, socket: Duplex, head: Buffer, [to, ...others]: number[]): void {
  if (to === undefined) {
    socket.destroy();
    return;
  }
  const node = connect({ port: to, host: "127.0.0.1", noDelay: true });
  const giveUp = (): void => void node.destroy();
  socket.once("close", giveUp);
  let open = false;
  node.once("error", () => {
    if (open) return;
    socket.off("close", giveUp);
    tunnel(request, socket, head, others);
  });
  node.once("connect", () => {
    open = true;
    node.once("close", () => socket.destroy());
    const lines = request.rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
    node.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines}\r\n`);
    node.write(head);
    socket.pipe(node).pipe(socket);
  });
}

function forwarded(request: IncomingMessage, headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  return { ...headers, "x-forwarded-for": request.socket.remoteAddress ?? "unknown" };
}
