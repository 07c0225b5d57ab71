import type { ErrorCode } from "@fanfare/domain";
import type { GatewayParts } from "./parts.ts";
import { sendAway } from "./send-away.ts";
import type { ClientSocket } from "./session.ts";

type DismissParts = Pick<GatewayParts, "fanout" | "metrics" | "clock">;

/** Ends a connection for good: a stock client does not come back by itself, and its session is gone. */
export function dismiss(socket: ClientSocket, code: ErrorCode, reason: string, { fanout, metrics }: DismissParts): void {
  metrics.closings.inc({ code });
  fanout.send(socket, "fanfare:closing", { code, reason, reconnect: false });
  socket.disconnect(true);
}

/** Ends a connection in the way that its client comes back from, to be asked again who it is. */
export function sendBack(socket: ClientSocket, code: ErrorCode, reason: string, parts: DismissParts): void {
  parts.metrics.closings.inc({ code });
  parts.fanout.send(socket, "fanfare:closing", { code, reason, reconnect: true });
  void sendAway(socket.conn, parts.clock);
}
