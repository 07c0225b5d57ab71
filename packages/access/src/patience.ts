import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "@fanfare/domain";
import { WatchedConnections } from "./watched-connections.ts";

/**
 * How long a request may take to arrive, in ms from the moment when its connection was opened, or when a kept connection
 * began it; what it waits for afterwards, such as a poll, is another matter. With how often Node looks for those that are
 * late, and with the handshake of TLS before it, a slow sender is gone within 15 s. Options of `http.createServer`.
 */
export const arrival = { headersTimeout: 8_000, requestTimeout: 10_000, connectionsCheckingInterval: 500 } as const;

/** Of TLS, which Node lets take two minutes. Option of `https.createServer`. */
export const handshakeTimeout = 4_000;

/** A client that reads what it is told has closed its side by then. */
const goodbyeMs = 2_000;

/**
 * Says the last on a connection that no server looks after any more, such as one that wanted to be a websocket, and ends it.
 * An `end()` alone leaves it open for as long as the other side likes.
 */
export function hangUp(socket: Duplex, lastWords: string | Buffer = ""): void {
  socket.on("error", () => undefined);
  // Closing at once could cost the client the answer, if it is still sending. What it sends is of no interest.
  socket.end(lastWords).resume();
  const late = setTimeout(() => socket.destroy(), goodbyeMs);
  socket.once("close", () => clearTimeout(late));
}

/** An answer that is not taken waits in memory, and its connection costs a descriptor, whatever its session has come to. */
const takeMs = 30_000;
const lookMs = 2_000;

interface Taking {
  /** Bytes that the system had taken at the last look. */
  bytes: number;
  sinceMs: number;
}

/**
 * Closes connections whose clients do not take their answers: what waits to be taken by the system has so long for it. Long
 * enough for a poll of a megabyte over a poor line. Streams go on for as long as they get rid of a piece in that time.
 */
export function closeUnread(server: Server, clock: Pick<Clock, "monotonic" | "after">, withinMs = takeMs): void {
  const connections = new WatchedConnections<Taking>(server, clock, Math.min(lookMs, withinMs), (socket, taking, nowMs) => {
    const bytes = takenBytes(socket);
    if (socket.writableLength === 0 || bytes !== taking.bytes) Object.assign(taking, { bytes, sinceMs: nowMs });
    else if (nowMs - taking.sinceMs >= withinMs) socket.destroy();
  });
  server.on("request", ({ socket }) => {
    if (connections.get(socket) !== undefined) return;
    connections.add(socket, { bytes: takenBytes(socket), sinceMs: clock.monotonic() });
  });
}

/** What Node knows of a socket of the system (node src/stream_base.cc); private, and looked for where it may not be. */
interface Inside {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
}

/**
 * What the system has taken. Seen from outside it only grows when all of one write has been taken, and an answer may be one
 * write of many megabytes.
 */
function takenBytes(socket: Socket): number {
  const { bytesWritten, writeQueueSize } = (socket as Inside)._handle ?? {};
  if (bytesWritten === undefined || writeQueueSize === undefined) return socket.bytesWritten - socket.writableLength;
  return bytesWritten - writeQueueSize;
}
