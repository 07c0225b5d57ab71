import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { FanfareError } from "@fanfare/domain";

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
