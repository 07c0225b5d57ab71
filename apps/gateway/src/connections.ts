import type { DisconnectReason } from "socket.io";
import type { GatewayParts } from "./parts.ts";
import type { ClientSocket } from "./session.ts";

/** Counts a connection from its beginning to its end, under the transport that it uses at the time. */
export function countConnection(socket: ClientSocket, { metrics }: Pick<GatewayParts, "metrics">): void {
  const { conn } = socket;
  let transport = conn.transport.name;
  metrics.connects.inc({ transport });
  metrics.connections.inc({ transport });
  conn.once("upgrade", () => {
    metrics.connections.dec({ transport });
    transport = conn.transport.name;
    metrics.connections.inc({ transport });
  });
  socket.once("disconnect", (reason: DisconnectReason) => {
    metrics.connections.dec({ transport });
    metrics.disconnects.inc({ reason });
  });
}
