import type { Socket } from "socket.io";
import type { EncodedEvent } from "./encoded-event.ts";
import type { WriteOptions } from "./engine-connection.ts";

/** The part of socket.io's `Client` that its own adapters write through (socket.io 4.8, lib/client.ts). */
interface ClientParts {
  writeToEngine(encodedPackets: readonly (string | Buffer)[], options: WriteOptions): void;
}

/** Writes to one socket the stock way. */
export function deliverToSocket(socket: Socket, { packets, options }: EncodedEvent): void {
  // `client` is public in the types, its write method is not: adapters are the only ones meant to call it.
  (socket.client as unknown as ClientParts).writeToEngine(packets, options);
}
