import type { DisconnectReason, Socket } from "socket.io";
import type { GatewayParts } from "./parts.ts";

type Counting = Pick<GatewayParts, "metrics">;

/** Counts a connection that has begun, under the transport that it uses at the time. */
export function countConnection({ conn }: Socket, { metrics }: Counting): void {
  const transport = conn.transport.name;
  metrics.connects.inc({ transport });
  metrics.connections.inc({ transport });
  if (transport !== "polling") return;
  conn.once("upgrade", () => {
    metrics.connections.dec({ transport });
    metrics.connections.inc({ transport: conn.transport.name });
  });
}

/** Counts its end. */
export function countDisconnect({ conn }: Socket, reason: DisconnectReason, { metrics }: Counting): void {
  metrics.connections.dec({ transport: conn.transport.name });
  metrics.disconnects.inc({ reason });
}
