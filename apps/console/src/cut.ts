import type { Socket } from "socket.io-client";

/**
 * Ends a connection and keeps its client away for a while, as a network would that is gone for so long: the session stays
 * with the server, and the client comes back by itself.
 */
export function cut({ io }: Socket, forMs: number): void {
  const delay = io.reconnectionDelay();
  const spread = io.randomizationFactor();
  io.reconnectionDelay(forMs).randomizationFactor(0);
  io.once("reconnect", () => io.reconnectionDelay(delay).randomizationFactor(spread));
  io.engine.close();
}
