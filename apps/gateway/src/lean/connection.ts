import { EventEmitter } from "node:events";
import type { LeanClient } from "./client.ts";
import { hasListeners, withoutListeners } from "./emitter.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { type EngineInside, type EngineRequest, type Packet, StockConnection } from "./internals.ts";
import { LeanTransport } from "./transport.ts";

type SendCallback = (transport: unknown) => void;

/** What is inherited from the stock connection at run time, see the end of this file. */
export interface LeanConnection {
  readyState: "opening" | "open" | "closing" | "closed";
  onOpen(): void;
  onError(error: Error): void;
  send(data: string | Buffer, options?: Packet["options"], callback?: SendCallback): this;
  write(data: string | Buffer, options?: Packet["options"], callback?: SendCallback): this;
  close(discard?: boolean): void;
}

interface StockMethods {
  setTransport(this: LeanConnection, transport: unknown): void;
  clearTransport(this: LeanConnection): void;
  onClose(this: LeanConnection, reason: string, description?: unknown): void;
}

/** Shared by all that have only ever had a lean transport, and so must stay empty. */
const nothingToCleanUp: (() => void)[] = [];
Object.freeze(nothingToCleanUp);
/** Shared by all that have nothing to send. */
const nothingToWrite: Packet[] = [];
Object.freeze(nothingToWrite);

const stock = StockConnection.prototype as unknown as StockMethods;

/**
 * Engine.IO's connection (lib/socket.ts) for a session that begins with a websocket. It differs in what it keeps: no
 * request, no closures between it and its transport or its client, no timers of its own ({@link Heartbeats}).
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the declared members are inherited, and private in their types
export class LeanConnection extends EventEmitter {
  _readyState = "opening";
  writeBuffer = nothingToWrite;
  declare packetsFn: SendCallback[] | undefined;
  declare sentCallbackFn: (SendCallback[] | null)[] | undefined;
  declare cleanupFn: (() => void)[];
  declare hasRefreshedPingTimeout: boolean;
  declare pingTimeoutTimer: null;
  readonly id: string;
  readonly server: EngineInside;
  /** Undefined once the application knows the client: what it is made of is not needed any more. */
  request: EngineRequest | undefined;
  readonly remoteAddress: string | undefined;
  transport!: LeanTransport;
  readonly #beats: Heartbeats;
  /** Who hears what arrives, in place of listeners. */
  client: LeanClient | undefined = undefined;

  constructor(id: string, server: EngineInside, transport: LeanTransport, request: EngineRequest, beats: Heartbeats) {
    super();
    withoutListeners(this);
    this.id = id;
    this.server = server;
    this.request = request;
    this.#beats = beats;
    this.remoteAddress = request.socket.remoteAddress;
    this.setTransport(transport);
    server.clients[id] = this;
    server.clientsCount++;
    this.onOpen();
  }

  onPacket(packet: Packet): void {
    if (this._readyState !== "open") return;
    if (hasListeners(this)) this.emit("packet", packet);
    if (packet.type === "message") {
      this.#beats.heard(this);
      this.client?.ondata(packet.data);
      if (hasListeners(this)) {
        this.emit("data", packet.data);
        this.emit("message", packet.data);
      }
    } else if (packet.type === "pong") {
      this.#beats.answered(this);
      if (hasListeners(this)) this.emit("heartbeat");
    } else if (packet.type === "ping") this.onError(new Error("invalid heartbeat direction"));
    else if (packet.type === "error") this.onClose("parse error");
    else this.#beats.heard(this);
  }

  get awaitsPong(): boolean {
    return this.#beats.awaits(this);
  }

  schedulePing(): void {
    this.#beats.begin(this);
  }

  setTransport(transport: LeanTransport | EventEmitter): void {
    if (transport instanceof LeanTransport) {
      this.transport = transport;
      transport.owner = this;
    } else {
      this.cleanupFn = [];
      stock.setTransport.call(this, transport);
    }
  }

  clearTransport(): void {
    this.transport.owner = undefined;
    stock.clearTransport.call(this);
  }

  onDrain(): void {
    const callbacks = this.sentCallbackFn?.shift();
    if (callbacks) for (const callback of callbacks) callback(this.transport);
  }

  onClose(reason: string, description?: unknown): void {
    if (this._readyState === "closed") return;
    this.#beats.end(this);
    delete this.server.clients[this.id];
    this.server.clientsCount--;
    stock.onClose.call(this, reason, description);
    this.client?.onclose(reason, description);
  }

  sendPacket(type: string, data?: string | Buffer, options: Packet["options"] = {}, callback?: SendCallback): void {
    if (this._readyState === "closing" || this._readyState === "closed") return;
    options.compress = options.compress !== false;
    const packet: Packet = data ? { type, options, data } : { type, options };
    if (hasListeners(this)) this.emit("packetCreate", packet);
    if (this.writeBuffer === nothingToWrite) this.writeBuffer = [packet];
    else this.writeBuffer.push(packet);
    if (typeof callback === "function") {
      this.packetsFn ??= [];
      this.packetsFn.push(callback);
    }
    this.flush();
  }

  flush(): void {
    const { writeBuffer, server, packetsFn } = this;
    if (this._readyState === "closed" || !this.transport.writable || writeBuffer.length === 0) return;
    if (hasListeners(this)) this.emit("flush", writeBuffer);
    server.emit("flush", this, writeBuffer);
    this.writeBuffer = nothingToWrite;
    // One batch is on its way at a time, so a batch without callbacks needs no place among those that have some.
    if (packetsFn !== undefined && packetsFn.length > 0) {
      this.sentCallbackFn ??= [];
      this.sentCallbackFn.push(packetsFn);
      this.packetsFn = undefined;
    }
    this.transport.send(writeBuffer);
    if (hasListeners(this)) this.emit("drain");
    server.emit("drain", this);
  }

  /** What is sent from now on waits for {@link release}, and then goes out in one write. */
  hold(): boolean {
    if (!this.transport.writable) return false;
    this.transport.writable = false;
    return true;
  }

  release(): void {
    this.transport.writable = true;
    this.flush();
  }
}

/** What few connections ever have otherwise: those have it themselves. */
Object.assign(LeanConnection.prototype, {
  protocol: 4,
  upgrading: false,
  upgraded: false,
  packetsFn: undefined,
  sentCallbackFn: undefined,
  cleanupFn: nothingToCleanUp,
  // The stock class would clear timers here; ours are in Heartbeats.
  pingTimeoutTimer: null,
  pingIntervalTimer: null,
  hasRefreshedPingTimeout: false,
});
Object.setPrototypeOf(LeanConnection.prototype, StockConnection.prototype);
