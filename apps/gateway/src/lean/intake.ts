import type { Packet } from "./internals.ts";

/** What may be asked of any connection, lean or stock. */
export interface Counted {
  readonly readyState: string;
  /** Of stock connections: the wait for the answer to our ping. */
  readonly pingTimeoutTimer: object | null;
  /** Of lean ones: whether there is such a wait. */
  readonly awaitsPong?: boolean;
  /** Socket.IO's, once it has asked for a namespace. */
  client?: { readonly sockets: { values(): Iterable<unknown> } } | undefined;
  close(discard?: boolean): void;
}

/** What packets arrive at. */
export interface Arriving {
  readonly readyState: string;
  /** Of websockets. */
  readonly socket?: { readonly isPaused: boolean; pause(): void; resume(): void; terminate(): void };
}

/**
 * Counts what a client sends and no request counts. False: nothing is to be done for it. `connection` is undefined when it has
 * ended.
 */
export type Intake = (transport: Arriving, connection: Counted | undefined) => boolean;

/** Whether anything is to be done for what has arrived: a packet, or a frame of the websocket protocol itself. */
export function admits(intake: Intake, transport: Arriving, connection: Counted | undefined, packet?: Packet): boolean {
  if (packet !== undefined && isOpen(transport, connection) && isFree(packet, connection)) return true;
  return intake(transport, connection);
}

/**
 * Whether a packet costs nothing here: an answer to our ping; what belongs to an event, because whoever answers events counts
 * them, once each; and asking for the main namespace, which is counted when it is refused, as leaving it is. Most clients
 * send nothing else, and nothing is to be kept for them.
 */
function isFree({ type, data }: Packet, connection: Counted): boolean {
  if (type === "pong") return connection.awaitsPong ?? connection.pingTimeoutTimer !== null;
  return type === "message" && (typeof data !== "string" || isEvent(data) || isEntrance(data));
}

/** Whether anything that arrives is still answered. */
export function isOpen(transport: Arriving, connection: Counted | undefined): connection is Counted {
  return transport.readyState === "open" && connection?.readyState === "open";
}

/** `EVENT` and `BINARY_EVENT` of the Socket.IO protocol v5. */
function isEvent(text: string): boolean {
  const type = text.charCodeAt(0);
  return type === 0x32 || type === 0x35;
}

/** `CONNECT` without the name of a namespace. */
function isEntrance(text: string): boolean {
  return text.charCodeAt(0) === 0x30 && text.charCodeAt(1) !== 0x2f;
}
