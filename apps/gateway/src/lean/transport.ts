import { EventEmitter } from "node:events";
import type { LeanConnection } from "./connection.ts";
import { hasListeners, withoutListeners } from "./emitter.ts";
import { admits, type Counted, type Intake } from "./intake.ts";
import { type EngineInside, type EngineRequest, type Packet, parser, StockTransport, type WebSocketInside } from "./internals.ts";
import { LeanWebSocket } from "./websocket.ts";

/** `WebSocket.OPEN`, and the state of a sender that compresses nothing at the moment. */
const open = 1;
const idle = 0;

/** What is inherited from the stock transport at run time, see the end of this file. */
export interface LeanTransport {
  readonly name: "websocket";
  readonly handlesUpgrades: true;
  readyState: string;
  close(done?: () => void): void;
  discard(): void;
  onRequest(request: EngineRequest): void;
}

/**
 * Engine.IO's websocket transport (lib/transports/websocket.ts) with methods in place of eight closures and five lists of
 * listeners, which speaks to its connection directly. With a stock connection, which listens, it behaves as the stock one.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the declared members are inherited, from a class that has no types
export class LeanTransport extends EventEmitter {
  /** The connection to speak to. Undefined for a stock one. */
  owner: LeanConnection | undefined = undefined;
  writable = true;
  _readyState = "open";
  declare supportsBinary: boolean;
  declare perMessageDeflate: unknown;
  /** Set by its connection. */
  sid: string | undefined = undefined;
  readonly socket: WebSocketInside;

  constructor(request: EngineRequest) {
    super();
    withoutListeners(this);
    if (request._query?.b64) this.supportsBinary = false;
    const websocket = request.websocket as LeanWebSocket;
    websocket.transport = this;
    this.socket = websocket as unknown as WebSocketInside;
  }

  /** Whether a request's websocket can be used: it came through our server, and speaks the current protocol. */
  static suits({ _query, websocket }: EngineRequest): boolean {
    return _query?.EIO === "4" && websocket instanceof LeanWebSocket;
  }

  hear(data: Buffer, isBinary: boolean): void {
    const { _receiver: receiver } = this.socket;
    // The mask is read anew with every frame. Kept until the next one, its four bytes would keep the whole chunk.
    receiver._mask = undefined;
    // An array that has held something keeps the room for sixteen more.
    if (receiver._buffers.length === 0) receiver._buffers = [];
    // Reading what a client has compressed took a window of 32 kB and more, which ws would keep.
    this.socket._extensions["permessage-deflate"]?.cleanup();
    const packet = parser.decodePacket(isBinary ? data : data.toString());
    if (!this.admits(packet)) return;
    if (this.owner !== undefined) this.owner.onPacket(packet);
    if (hasListeners(this)) this.emit("packet", packet);
  }

  /** Whether anything is to be done for what has arrived; a frame of the websocket protocol itself is no packet. */
  admits(_packet?: Packet): boolean {
    return true;
  }

  onError(message: string, description?: unknown): void {
    if (this.owner === undefined && this.listenerCount("error") === 0) return;
    const error = Object.assign(new Error(message), { type: "TransportError", description });
    if (this.owner !== undefined) this.owner.onError(error);
    if (this.listenerCount("error") > 0) this.emit("error", error);
  }

  onClose(): void {
    this.readyState = "closed";
    this.owner?.onClose("transport close");
    if (hasListeners(this)) this.emit("close");
  }

  send(packets: readonly Packet[]): void {
    this.writable = false;
    const { socket } = this;
    if (this.perMessageDeflate || socket.readyState !== open || socket._sender._state !== idle) {
      sendEach(this, packets);
      return;
    }
    const [only] = packets;
    const ready = packets.length === 1 ? only?.options?.wsPreEncodedFrame : undefined;
    if (ready !== undefined) socket._sender.sendFrame(ready, (error) => sent(this, error));
    else if (packets.every(isText)) socket._sender.sendFrame([textFrames(packets.map(encodeText))], (error) => sent(this, error));
    else {
      // One write, whatever it is made of.
      socket._socket?.cork();
      sendEach(this, packets);
      socket._socket?.uncork();
    }
  }
}

/** As of nearly all: the others have their own. */
Object.assign(LeanTransport.prototype, { protocol: 4, discarded: false, supportsBinary: true, perMessageDeflate: null });
Object.setPrototypeOf(LeanTransport.prototype, StockTransport.prototype);

/** The stock way. */
function sendEach(transport: LeanTransport, packets: readonly Packet[]): void {
  const { socket, perMessageDeflate, supportsBinary } = transport;
  for (const [index, packet] of packets.entries()) {
    const written = (error?: Error): void => {
      if (index === packets.length - 1) sent(transport, error);
      else if (error) transport.onError("write error", error.stack);
    };
    const frame = packet.options?.wsPreEncodedFrame;
    if (frame !== undefined && !perMessageDeflate) socket._sender.sendFrame(frame, written);
    else parser.encodePacket(packet, supportsBinary, (encoded) => socket.send(encoded, written));
  }
}

function sent(transport: LeanTransport, error: Error | null | undefined): void {
  if (error) {
    transport.onError("write error", error.stack);
    return;
  }
  const { owner } = transport;
  owner?.onDrain();
  if (hasListeners(transport)) transport.emit("drain");
  transport.writable = true;
  owner?.flush();
  if (hasListeners(transport)) transport.emit("ready");
}

/** The transports of one server, which have what arrives counted. A class of its own costs its instances nothing. */
export function countedTransport(engine: EngineInside, intake: Intake): typeof LeanTransport {
  return class extends LeanTransport {
    override admits(packet?: Packet): boolean {
      const connection = this.owner ?? (engine.clients[this.sid ?? ""] as Counted | undefined);
      return admits(intake, this, connection, packet);
    }
  };
}

/** engine.io-parser's `PACKET_TYPES`, for text. */
const packetTypes: Readonly<Record<string, string>> = {
  open: "0",
  close: "1",
  ping: "2",
  pong: "3",
  message: "4",
  upgrade: "5",
  noop: "6",
};

function isText({ type, data }: Packet): boolean {
  return (data === undefined || typeof data === "string") && packetTypes[type] !== undefined;
}

function encodeText({ type, data }: Packet): string {
  return `${packetTypes[type]}${data ?? ""}`;
}

/** Whole unmasked text frames (RFC 6455 §5.2), one after the other: a single piece is a single, cheaper write. */
export function textFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerBytes(length) + length, 0));
  let at = 0;
  for (const [index, text] of texts.entries()) {
    const length = lengths[index] ?? 0;
    const header = headerBytes(length);
    frames[at] = 0x81;
    if (header === 2) frames[at + 1] = length;
    else if (header === 4) {
      frames[at + 1] = 126;
      frames.writeUInt16BE(length, at + 2);
    } else {
      frames[at + 1] = 127;
      frames.writeBigUInt64BE(BigInt(length), at + 2);
    }
    at += header;
    at += frames.write(text, at);
  }
  return frames;
}

function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}
