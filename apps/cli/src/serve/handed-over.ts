import type { Server } from "node:http";
import { Socket } from "node:net";
import type { FromWorker, ToWorker } from "./wire.ts";

/** Structurally what the gateway calls an entrance. */
interface Entrance {
  readonly port: number;
  close(): void;
}

/** Lets a server take the connections that front-door.ts hands over to this process; `port` is where those came in. */
export function handedOver(port: number): (server: Server) => Promise<Entrance> {
  return async (server) => {
    // It is bound to nothing. Told that it listens, Node's server begins to watch for requests that never end.
    server.emit("listening");
    process.on("message", (message: ToWorker, connection: unknown) => {
      if (message.kind !== "connection") return;
      tell({ kind: "received", connection: message.connection });
      // Undefined when the client had gone while it was on its way.
      if (!(connection instanceof Socket)) return;
      // As net.Server makes those that it accepts for an http.Server.
      connection.allowHalfOpen = true;
      connection.setNoDelay(true);
      server.emit("connection", connection);
    });
    // What is already on its way is still served: a draining node answers it as one that kept a connection.
    return { port, close: () => tell({ kind: "closed" }) };
  };
}

export function tell(message: FromWorker): void {
  process.send?.(message);
}
