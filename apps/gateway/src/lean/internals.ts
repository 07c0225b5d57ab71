import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { Socket as TcpSocket } from "node:net";
import type { Duplex } from "node:stream";
import { Socket as StockConnection, parser as stockParser, transports } from "engine.io";

/*
 * What Engine.IO 6.6, Socket.IO 4.8 and ws 8.21 keep to themselves and the lean classes of this folder rely on, with the
 * file each was read in. `understood` compares it with what is installed: with other versions, the gateway goes on with the
 * stock classes, and lean.test.ts fails.
 */

/** engine.io lib/socket.ts, lib/server.ts */
export interface Packet {
  readonly type: string;
  readonly data?: string | Buffer;
  readonly options?: { readonly wsPreEncodedFrame?: readonly Buffer[]; compress?: boolean };
}

/** engine.io lib/server.ts: `prepare` adds the query, `onWebSocket` the websocket. */
export interface EngineRequest extends IncomingMessage {
  _query?: Record<string, string>;
  websocket?: unknown;
}

/** ws lib/receiver.js */
interface ReceiverInside extends EventEmitter {
  /** What was read and is not consumed yet. */
  _buffers: Buffer[];
  /** Of the frame that is being read: a view into the chunk that it came in. */
  _mask: Buffer | undefined;
}

/** ws lib/websocket.js, lib/sender.js, lib/permessage-deflate.js */
export interface WebSocketInside extends EventEmitter {
  readonly readyState: number;
  readonly _socket: TcpSocket | null;
  readonly _sender: { readonly _state: number; sendFrame(list: readonly Buffer[], sent: (error?: Error) => void): void };
  readonly _receiver: ReceiverInside;
  /** What was agreed on with the client. `cleanup` gives back what compressing has taken; it takes it again when it has to. */
  readonly _extensions: { readonly "permessage-deflate"?: { cleanup(): void } };
  readonly isPaused: boolean;
  pause(): void;
  resume(): void;
  terminate(): void;
  send(data: string | Buffer, sent: (error?: Error) => void): void;
  close(): void;
}

/** engine.io lib/server.ts */
export interface EngineInside extends EventEmitter {
  readonly opts: { readonly pingInterval: number; readonly pingTimeout: number; readonly perMessageDeflate?: unknown };
  readonly clients: Record<string, unknown>;
  clientsCount: number;
  readonly ws: { handleUpgrade(request: EngineRequest, socket: Duplex, head: Buffer, done: (websocket: unknown) => void): void };
  generateId(request: IncomingMessage): string | PromiseLike<string>;
  prepare(request: EngineRequest): void;
  verify(request: EngineRequest, upgrade: boolean, done: (code?: number) => void): void;
  onWebSocket(request: EngineRequest, socket: Duplex, websocket: unknown): void;
  createTransport(name: string, request: EngineRequest): unknown;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** node lib/events.js. Undefined is what the emitter itself takes for "no listeners". */
export interface EmitterInside {
  _events: object | undefined;
  _eventsCount: number;
}

interface Parser {
  encodePacket(packet: Packet, supportsBinary: boolean, done: (encoded: string | Buffer) => void): void;
  decodePacket(data: string | Buffer): Packet;
}

export const parser = stockParser as unknown as Parser;

/** engine.io lib/transports/polling.ts, lib/transport.ts */
export interface PollingInside extends EventEmitter {
  readonly readyState: string;
  sid: string | undefined;
  onPollRequest(request: EngineRequest, response: ServerResponse): void;
  onData(payload: string): void;
  onPacket(packet: Packet): void;
  onError(message: string): void;
  onClose(): void;
}

type Class = { readonly prototype: object };
const socketIo = createRequire(createRequire(import.meta.url).resolve("socket.io"));
const engineIo = createRequire(socketIo.resolve("engine.io"));

export const StockTransport = (transports as unknown as { readonly websocket: Class }).websocket;
export { StockConnection };
/** Not among the exports of socket.io, so it is taken from beside its main file. Undefined when it is there no longer. */
export const StockClient = moduleBeside(socketIo, "./client.js")?.Client;
export const StockPolling = moduleBeside(engineIo, "./transports/polling.js")?.Polling;

function moduleBeside(load: NodeJS.Require, file: string): Readonly<Record<string, Class>> | undefined {
  try {
    return load(file) as Readonly<Record<string, Class>>;
  } catch {
    return undefined;
  }
}

const expected: readonly (readonly [Class | undefined, readonly string[]])[] = [
  [
    StockConnection as unknown as Class,
    ["onOpen", "onPacket", "onError", "schedulePing", "setTransport", "onDrain", "clearTransport", "onClose", "sendPacket"],
  ],
  [StockConnection as unknown as Class, ["flush", "close", "closeTransport", "_maybeUpgrade", "getAvailableUpgrades"]],
  [StockTransport, ["send", "doClose"]],
  [StockTransport && Object.getPrototypeOf(StockTransport), ["onData", "onPacket", "onError", "onClose", "close", "discard"]],
  [StockPolling, ["onPollRequest", "onData", "onPacket", "onError", "onClose"]],
  [StockClient, ["setup", "connect", "doConnect", "ondata", "ondecoded", "onclose", "destroy", "writeToEngine"]],
];

/** Whether the installed versions have every method that is overridden or called here. */
export function understood(classes = expected): boolean {
  return classes.every(([one, names]) =>
    names.every((name) => typeof (one?.prototype as Record<string, unknown> | undefined)?.[name] === "function"),
  );
}
