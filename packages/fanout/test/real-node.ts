import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as TcpSocket } from "node:net";
import { type Clock, systemClock } from "@fanfare/domain";
import { Server, type Socket } from "socket.io";
import { type Socket as Client, io as connect } from "socket.io-client";
import { type ServerOptions, WebSocketServer } from "ws";
import { Fanout } from "../src/index.ts";
import { type ModelBroker, ModelLink, observer, retention } from "./world.ts";

/**
 * It runs fast, which makes every flush a heavy one, so that the next ones are waited for. Long waits never end: a canary
 * would take a seq, on one node and not yet on the other.
 */
const clock: Clock = {
  ...systemClock,
  monotonic: () => performance.now() * 50,
  after: (ms, task) => (ms >= 1_000 ? () => undefined : systemClock.after(ms, task)),
};

/** Compresses, and Engine.IO does not know. */
class CompressingServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, perMessageDeflate: { serverNoContextTakeover: true, threshold: Number.POSITIVE_INFINITY } });
  }
}

/**
 * - `stock`        everything is written by Engine.IO, as it is for connections that it may compress for
 * - `direct`       by our writers, below the streams of Node
 * - `closed`       by our writers to streams, for Node does not let itself be looked into
 * - `compressing`  as `direct`, with publications compressed once for all
 */
type Way = "stock" | "direct" | "closed" | "compressing";

/** A real Socket.IO server on a port, with a Fanout over the model of the broker. */
export class RealNode {
  readonly link: ModelLink;
  readonly fanout: Fanout;
  readonly io: Server;
  readonly #http: HttpServer = createServer();

  constructor(broker: ModelBroker, way: Way) {
    this.link = new ModelLink(broker.partitions);
    broker.links.push(this.link);
    const { binding } = process as unknown as { readonly binding: unknown };
    if (way === "closed") Object.assign(process, { binding: undefined });
    this.fanout = new Fanout({
      broker,
      pubSub: this.link,
      cluster: "test",
      node: way,
      bookmarks: true,
      clock,
      retention: () => retention,
      slow: () => "disconnect",
      bufferBytesMax: 1_000_000_000,
      flushMsMax: 5,
      observer,
    });
    Object.assign(process, { binding });
    this.io = new Server(this.#http, {
      adapter: this.fanout.adapter,
      perMessageDeflate: way === "stock",
      ...(way === "compressing" && { wsEngine: CompressingServer }),
    });
    this.fanout.attach(this.io);
    this.link.set("up");
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
  }

  async client(transports: readonly string[]): Promise<RealClient> {
    const { port } = this.#http.address() as AddressInfo;
    const client = connect(`http://127.0.0.1:${port}`, { transports: [...transports], forceNew: true, reconnection: false });
    const introduced = new Promise<Socket>((resolve, reject) => {
      this.io.once("connection", resolve);
      client.once("connect_error", reject);
    });
    return new RealClient(client, await introduced);
  }

  async close(): Promise<void> {
    this.fanout.close();
    await this.io.close();
  }
}

/** A stock client that writes down what it hears, in order; answers to its requests as well. */
export class RealClient {
  readonly heard: { readonly what: string; readonly volatile: boolean }[] = [];
  /** The server's side. */
  readonly socket: Socket;
  readonly #client: Client;
  readonly #pending: (() => void)[] = [];
  #asked = 0;
  #onEnd: () => void = () => undefined;

  constructor(client: Client, socket: Socket) {
    this.#client = client;
    this.socket = socket;
    client.onAny((event: string, ...args: unknown[]) => {
      if (event === "end") this.#onEnd();
      else this.#hear(JSON.stringify([event, args]), event === "volatile");
    });
    socket.on("ask", (number: number, answer: (text: string) => void) => {
      this.#pending.push(() => answer(`${number} ${"…".repeat(number * 50)}`));
      this.#onAsked();
    });
  }

  #onAsked: () => void = () => undefined;

  /** Resolves when the server has the request; the answer waits for {@link answer}. */
  async ask(): Promise<void> {
    const number = ++this.#asked;
    const arrived = new Promise<void>((resolve) => {
      this.#onAsked = resolve;
    });
    this.#client.emit("ask", number, (text: string) => this.#hear(`answer ${text}`, false));
    await arrived;
  }

  answer(): void {
    this.#pending.shift()?.();
  }

  /** Stops or goes on reading what comes over its websocket. */
  read(reads: boolean): void {
    const { transport } = this.#client.io.engine as unknown as { transport: { ws?: { pause(): void; resume(): void } } };
    if (reads) transport.ws?.resume();
    else transport.ws?.pause();
  }

  /** Resets its TCP connection, in this turn. */
  breakOff(): void {
    const { transport } = this.#client.io.engine as unknown as { transport: { ws: { _socket: TcpSocket } } };
    transport.ws._socket.resetAndDestroy();
  }

  /** Resolves when everything that was sent so far has arrived. */
  async all(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    this.socket.emit("end");
    await ended;
  }

  /** Resolves when it has left its channels: what is forgotten of them then is news to nobody. */
  async close(): Promise<void> {
    const left = new Promise<void>((resolve) => {
      if (this.socket.connected) this.socket.once("disconnect", () => resolve());
      else resolve();
    });
    this.#client.disconnect();
    await left;
  }

  #hear(what: string, volatile: boolean): void {
    this.heard.push({ what, volatile });
  }
}
