import type { Socket } from "socket.io";
import { connectionOf, type EngineConnection, packetBytes, writerKey } from "./engine-connection.ts";

/**
 * Bytes that were sent to a socket's client and that the system has not taken yet, of websocket and polling alike: what is
 * collected for its next write, what waits in Engine.IO and what waits in the TCP socket. What the kernel holds is not seen.
 */
export function unsentBytes(socket: Socket): number {
  const connection = connectionOf(socket);
  if (connection === undefined) return 0;
  return connection[writerKey]?.unsentBytes ?? waitingBytes(connection);
}

/** What waits in Engine.IO, in `ws` and in the TCP socket. */
function waitingBytes({ writeBuffer, transport }: EngineConnection): number {
  let bytes = transport.socket?.bufferedAmount ?? 0;
  for (const packet of writeBuffer) bytes += packetBytes(packet);
  return bytes;
}
