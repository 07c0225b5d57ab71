import type { Server } from "node:http";
import { type AddressInfo, Server as TcpServer } from "node:net";
import { FanfareError } from "@fanfare/domain";

/** Where a server's connections come from. */
interface Entrance {
  readonly port: number;
  /** No further connections. Those that are there stay. */
  close(): void;
}

/** Opens the way to a server. */
export type Enter = (server: Server) => Promise<Entrance>;

/** By a port of its own. `http.close()` would also cut kept connections, maybe just when a balancer writes a post to one. */
export function ownPort(port: number, host: string, backlog: number): Enter {
  return async (server) => ({
    port: await listen(server, port, host, backlog),
    close: () => void TcpServer.prototype.close.call(server),
  });
}

/** Resolves with the port it really has. A port that is taken is the operator's mistake and says so. */
export function listen(server: Server, port: number, host: string, backlog = 511): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const message = cause.code === "EADDRINUSE" ? `port ${port} is taken` : `cannot listen on ${host}:${port} (${cause.code})`;
      reject(new FanfareError("SETTINGS_INVALID", { detail: message, cause, errors: [{ path: String(port), message }] }));
    });
    server.listen({ port, host, backlog }, () => resolve((server.address() as AddressInfo).port));
  });
}

export function stopListening(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}
