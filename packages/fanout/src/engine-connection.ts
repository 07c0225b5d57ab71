import type { Socket as TcpSocket } from "node:net";
import type { Socket } from "socket.io";
import type { Writer } from "./writer.ts";

/*
 * Engine.IO 6.6 and ws 8 as seen from inside (engine.io lib/socket.ts, lib/transports/websocket.ts; ws lib/sender.js): what
 * their types keep private, and what one must see to write between their writes. engine-connection.test.ts holds these
 * shapes against the real ones.
 */

/** One packet in Engine.IO's own queue. */
export interface EnginePacket {
  readonly type: string;
  readonly data?: string | Buffer;
  readonly options?: unknown;
}

export interface WriteOptions {
  readonly preEncoded: true;
  /** Handed by engine.io to `ws` as it is, for connections without compression. */
  readonly wsPreEncodedFrame?: readonly Buffer[];
}

/** RFC 7692 §7.1. */
interface DeflateParams {
  readonly server_no_context_takeover?: boolean;
  readonly server_max_window_bits?: number;
}

/** The parts of `ws` that a transport writes through. */
interface WebSocketParts {
  readonly readyState: number;
  /** What neither the sender nor the TCP socket has handed to the system yet. */
  readonly bufferedAmount: number;
  readonly _socket?: TcpSocket | null;
  readonly _sender?: { readonly _state: number; readonly _queue: readonly unknown[] } | null;
  /** What was agreed on with the client. */
  readonly _extensions?: { readonly "permessage-deflate"?: { readonly params: DeflateParams } };
  terminate(): void;
}

export interface EngineTransport {
  readonly name: string;
  readonly supportsBinary: boolean;
  /** Engine.IO's option, not what was negotiated: with it, any connection may compress. */
  readonly perMessageDeflate?: unknown;
  /** Of websockets only. */
  readonly socket?: WebSocketParts;
}

/** Where a connection keeps its writer: found without a look-up, and gone with the connection. */
export const writerKey = Symbol("fanfare.writer");

export interface EngineConnection {
  [writerKey]?: Writer;
  readonly readyState: string;
  readonly transport: EngineTransport;
  /** What was sent and not yet handed to the transport. */
  readonly writeBuffer: readonly EnginePacket[];
  write(data: string | Buffer, options: WriteOptions): void;
  sendPacket(type: string, data?: string | Buffer, options?: unknown, sent?: () => void): void;
  close(discard?: boolean): void;
  once(event: "upgrade", listener: (this: EngineConnection) => void): unknown;
}

/** Undefined for what is no connection of Engine.IO's. */
export function connectionOf(socket: Socket): EngineConnection | undefined {
  return socket.conn as unknown as EngineConnection | undefined;
}

/**
 * The window with which messages for a websocket may be compressed, each by itself, as powers of 2; 0 when they may not.
 */
export function windowBitsOf(websocket: WebSocketParts | undefined): number {
  const params = websocket?._extensions?.["permessage-deflate"]?.params;
  return params?.server_no_context_takeover === true ? (params.server_max_window_bits ?? 15) : 0;
}

/** Bytes of a packet as Engine.IO keeps it; of text, the characters, which is what it costs in memory. */
export function packetBytes({ data }: EnginePacket): number {
  return data?.length ?? 0;
}
