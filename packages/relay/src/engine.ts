import type { EventEmitter } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Server } from "engine.io";

/*
 * Engine.IO 6.6 as seen from inside (lib/server.ts, lib/socket.ts, lib/transport.ts). Forwarding needs only the two public
 * handlers; moving a session from one node to another needs what its types keep private.
 */

export interface Packet {
  readonly type: string;
  readonly data?: string | Buffer;
}

export interface EngineRequest extends IncomingMessage {
  _query?: Readonly<Record<string, string>> | undefined;
  websocket?: unknown;
}

export interface EngineTransport extends EventEmitter {
  readonly name: string;
  writable: boolean;
  perMessageDeflate: unknown;
  send(packets: Packet[]): void;
  close(): void;
}

export interface EngineSocket extends EventEmitter {
  readonly id: string;
  readonly protocol: number;
  readonly readyState: string;
  readonly request: EngineRequest;
  readonly transport: EngineTransport;
  remoteAddress: string;
  upgraded: boolean;
  writeBuffer: Packet[];
  sentCallbackFn: unknown[];
  onPacket(packet: Packet): void;
  flush(): void;
  close(discard?: boolean): void;
}

export interface Engine extends EventEmitter {
  readonly opts: {
    readonly upgradeTimeout: number;
    readonly pingInterval: number;
    readonly perMessageDeflate?: unknown;
    allowRequest?(request: IncomingMessage, decide: (refusal: string | null | undefined, allowed: boolean) => void): void;
  };
  readonly clients: Record<string, EngineSocket>;
  clientsCount: number;
  readonly ws: {
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (websocket: ClosableWebSocket) => void): void;
  };
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  prepare(request: EngineRequest): void;
  createTransport(name: "websocket", request: EngineRequest): EngineTransport;
}

interface ClosableWebSocket extends EventEmitter {
  close(): void;
}

/** The same server, with its private parts. Their shapes are checked by the tests of taking over, against the real one. */
export function insideOf(server: Server): Engine {
  return server as unknown as Engine;
}

/** What a session takes along when it moves. */
export interface MovingSession {
  /** The handshake's, which what the application knows of the client is made from. */
  readonly request: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly address: string };
  /** What the client has sent and nobody has seen yet. */
  readonly received: readonly Packet[];
  /** What the client has not been sent yet. */
  readonly unsent: readonly Packet[];
}
