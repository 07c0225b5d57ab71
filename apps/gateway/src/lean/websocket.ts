import type { IncomingMessage } from "node:http";
import type { Socket as TcpSocket } from "node:net";
import type { Duplex } from "node:stream";
import type { Socket } from "socket.io";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { compactListeners, hasListeners, withoutListeners } from "./emitter.ts";
import type { WebSocketInside } from "./internals.ts";
import type { LeanTransport } from "./transport.ts";

/** For a server's side, as ws itself makes them; its types know only the client's. */
const StockWebSocket = WebSocket as unknown as new (address: null, protocols: undefined, options: object) => WebSocket;

/** What clients that may not compress have agreed on. ws only adds to it on a client's side. */
const noExtensions = Object.freeze({});
/** What ws is to call when it could not send, where it would throw. */
const ignore = (): void => undefined;

/** A websocket that tells what it hears to one transport by method, and needs no list of listeners for that. */
export class LeanWebSocket extends StockWebSocket {
  /** Set by the transport that takes it over, before anything can be heard. */
  transport: LeanTransport | undefined = undefined;

  constructor(address: null, protocols: undefined, options: object) {
    super(address, protocols, options);
    withoutListeners(this);
    Object.assign(this, { _extensions: noExtensions });
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const { transport } = this;
    if (transport === undefined) return event === "error" && !hasListeners(this) ? false : super.emit(event, ...args);
    switch (event) {
      case "message":
        transport.hear(args[0] as Buffer, args[1] as boolean);
        break;
      case "ping":
        // ws would answer each, a thousand in a turn.
        if (transport.admits()) this.pong(args[0] as Buffer, false, ignore);
        break;
      case "pong":
        transport.admits();
        break;
      case "close":
        transport.onClose();
        break;
      case "error":
        transport.onError((args[0] as Error).message, args[0]);
        break;
    }
    return hasListeners(this) ? super.emit(event, ...args) : true;
  }
}

type CompleteUpgrade = (
  extensions: object,
  key: string,
  protocols: Set<string>,
  request: IncomingMessage,
  socket: Duplex,
  ...rest: readonly unknown[]
) => void;

/**
 * In how many pieces a message may come: of one byte each they cost ws a hundred times what they say, and no client of ours
 * sends any. The chunks are those of TCP, which may be as small as a packet: a whole message of 1 MB is some 700.
 */
const pieces = { maxFragments: 64, maxBufferedChunks: 4_096 };

/**
 * What is agreed on with clients that offer to compress: each message by itself, so that one publication is compressed once for
 * all of them (`CompressedFrames` of packages/fanout). ws itself never compresses: answers are short, and who asks for them
 * could measure what else is in them.
 */
const compression = { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: Number.POSITIVE_INFINITY };

/** For Engine.IO's option `wsEngine`. */
export class LeanWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, ...pieces, autoPong: false, WebSocket: LeanWebSocket as unknown as typeof WebSocket });
  }

  /** ws lib/websocket-server.js. Everything that is said within it, the handshake's packet too, goes out in one write. */
  completeUpgrade(...call: Parameters<CompleteUpgrade>): void {
    const [, , , , socket] = call;
    socket.cork();
    try {
      completeUpgrade.apply(this, call);
    } finally {
      socket.uncork();
    }
  }
}

/** The same for clients that may compress. Engine.IO is not told: for it, what is sent is ready, as otherwise. */
export class CompressingWebSocketServer extends LeanWebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, perMessageDeflate: compression });
  }
}

const { completeUpgrade } = WebSocketServer.prototype as unknown as { readonly completeUpgrade: CompleteUpgrade };

/** Once a websocket has all of its listeners, and for good. */
export function compactWebSocket(websocket: WebSocketInside): void {
  const { _receiver: receiver, _socket: socket } = websocket as { _receiver: WebSocketInside["_receiver"]; _socket: TcpSocket };
  compactListeners(receiver);
  compactListeners(socket);
  // The connection keeps the address. Who asks the socket for it again makes it ask the system.
  Object.assign(socket, { _peername: undefined });
}

/** What a client is sent in this turn of the event loop goes out in one write: its connect packet, and its welcome. */
export function inOneWrite({ conn }: Pick<Socket, "conn">): void {
  const { socket: websocket } = conn.transport as unknown as { readonly socket?: WebSocketInside };
  const tcp = websocket?._socket;
  if (!tcp) return;
  tcp.cork();
  // Behind everything that this turn has put off to its end: connecting, and the writing of what was collected.
  process.nextTick(() => setImmediate(() => tcp.uncork()));
}
