import type { EventEmitter } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Clock } from "@fanfare/domain";
import { type DisconnectReason, Server, type ServerOptions, type Socket } from "socket.io";
import { boundDecoders, LeanClient, textDecoder } from "./client.ts";
import { LeanConnection } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { Arriving, Counted, Intake } from "./intake.ts";
import { type EngineInside, type EngineRequest, understood } from "./internals.ts";
import { countedPolling } from "./polling.ts";
import { queryOf } from "./query.ts";
import { LeanSocket } from "./socket.ts";
import { countedTransport, LeanTransport } from "./transport.ts";
import { CompressingWebSocketServer, compactWebSocket, LeanWebSocketServer } from "./websocket.ts";

/** Called once for every socket of the main namespace that is over; without a reason when it never connected. */
type SocketOver = (socket: Socket, reason: DisconnectReason | undefined) => void;

export interface LeanServer {
  readonly io: Server;
  /** False when the installed versions are not the ones that the lean classes were written for; all is stock then. */
  readonly lean: boolean;
  /** Registers a listener for the ends of all sockets, those included that are there. */
  onSocketOver(listener: SocketOver): void;
  /** No timers are left. Connections must be closed by then. */
  close(): void;
}

type Limit = "pingInterval" | "pingTimeout" | "connectTimeout" | "maxHttpBufferSize";
type Options = Partial<ServerOptions> & Required<Pick<ServerOptions, Limit>>;

interface LeanOptions {
  readonly lean?: boolean;
  readonly intake?: Intake | undefined;
  /** Whether clients may compress, and publications are. Stock classes never do. */
  readonly compression?: boolean;
}

/** Without limits, and with stock classes where there are no others. */
const everything: Intake = () => true;

/**
 * A stock Socket.IO server that spends less on each connection. Clients that begin with a websocket get the lean classes of
 * this folder, everybody else the stock ones; what they say and hear is the same to the byte. What they send is counted first.
 */
export function createLeanServer(http: HttpServer, options: Options, clock: Clock, how: LeanOptions = {}): LeanServer {
  const { lean = understood(), intake = everything, compression = false } = how;
  const wsEngine = compression ? CompressingWebSocketServer : LeanWebSocketServer;
  const io = new Server(http, { ...options, ...(lean && { wsEngine }) });
  const listeners: SocketOver[] = [];
  const over: SocketOver = (socket, reason) => {
    for (const listener of listeners) listener(socket, reason);
  };
  const onSocketOver = (listener: SocketOver): void => void listeners.push(listener);
  if (!lean) {
    listenForEnds(io, over);
    return { io, lean, onSocketOver, close: () => undefined };
  }
  const beats = new Heartbeats(clock, options.pingInterval, options.pingTimeout);
  const undecided = new Deadlines<LeanClient>(clock, options.connectTimeout, (client) => client.close());
  // Node would say so to the system at once, and ws a second time. Requests that are none of ws's need it said.
  Object.assign(http, { noDelay: false });
  http.prependListener("request", ({ socket }) => void socket.setNoDelay());
  boundDecoders(io, options.maxHttpBufferSize);
  takeWebSockets(io.engine as unknown as EngineInside, beats, intake);
  takeClients(io, undecided);
  takeSockets(io, over, intake);
  const close = (): void => {
    beats.close();
    undecided.close();
  };
  return { io, lean, onSocketOver, close };
}

/** engine.io lib/server.ts: its handlers are looked up at every request, so replacing them is all it takes. */
function takeWebSockets(engine: EngineInside, beats: Heartbeats, intake: Intake): void {
  const WebSocketTransport = countedTransport(engine, intake);
  const PollingTransport = countedPolling(engine, intake);
  const inside = engine as EngineInside & {
    handshake(name: string, request: EngineRequest, close: (code: number) => void): unknown;
  };
  const handleUpgrade = engine.handleUpgrade.bind(engine);
  const handshake = inside.handshake.bind(engine);
  const createTransport = engine.createTransport.bind(engine);

  engine.prepare = (request) => {
    request._query ??= queryOf(request.url);
  };
  engine.createTransport = (name, request) => {
    if (name === "polling") return new PollingTransport(request);
    if (name !== "websocket" || !LeanTransport.suits(request)) return createTransport(name, request);
    const transport = new WebSocketTransport(request);
    // One that a session is to upgrade to; others are told when they open. The connection's text, so as not to keep another.
    transport.sid = (engine.clients[request._query?.sid ?? ""] as { readonly id: string } | undefined)?.id;
    return transport;
  };
  // The stock handler runs a websocket through the middlewares, as if it were a request that has an answer with headers.
  engine.handleUpgrade = (request: EngineRequest, socket, head) => {
    engine.prepare(request);
    let allowed = false;
    engine.verify(request, true, (code) => {
      allowed = code === undefined;
    });
    // It says no in its own words, or has to wait for the verdict.
    if (!allowed) handleUpgrade(request, socket, head);
    else {
      engine.ws.handleUpgrade(request, socket, Buffer.from(head), (websocket) => {
        request.websocket = websocket;
        if (request._query?.sid === undefined) void inside.handshake("websocket", request, () => socket.destroy());
        else engine.onWebSocket(request, socket, websocket);
      });
    }
  };
  inside.handshake = (name, request, close) => {
    if (name !== "websocket" || !LeanTransport.suits(request)) return handshake(name, request, close);
    const id = engine.generateId(request);
    if (typeof id !== "string") return handshake(name, request, close);
    const transport = engine.createTransport(name, request) as LeanTransport;
    if (engine.opts.perMessageDeflate) transport.perMessageDeflate = engine.opts.perMessageDeflate;
    const connection = new LeanConnection(id, engine, transport, request, beats);
    compactWebSocket(transport.socket);
    return engine.emit("connection", connection);
  };
}

/** socket.io lib/index.ts, `onconnection`. */
function takeClients(io: Server, undecided: Deadlines<LeanClient>): void {
  const engine = io.engine as unknown as EventEmitter;
  const parts = { io, undecided, decodeText: textDecoder(io) };
  const [introduce] = engine.listeners("connection");
  engine.removeAllListeners("connection");
  engine.on("connection", (connection: unknown) => {
    if (connection instanceof LeanConnection) new LeanClient(connection, parts);
    else introduce?.call(engine, connection);
  });
}

interface Connecting {
  readonly conn: Counted;
  close(): void;
}

/** socket.io lib/namespace.ts */
interface NamespaceInside {
  _add(client: Connecting, auth: object, connected: (socket: Socket) => void): Promise<void>;
}

/** socket.io lib/namespace.ts: what makes a socket of a client that asks for the main namespace. */
function takeSockets(io: Server, over: SocketOver, intake: Intake): void {
  const namespace = io.of("/");
  const add = (namespace as unknown as NamespaceInside)._add.bind(namespace);
  // While one is let in, Socket.IO would make a socket more of it as often as it asks, and keep all of them.
  const entering = new WeakSet<object>();
  const ended: SocketOver = (socket, reason) => {
    entering.delete(socket.client);
    over(socket, reason);
    if (reason === undefined) intake(socket.conn.transport as unknown as Arriving, socket.conn as unknown as Counted);
  };
  Object.assign(namespace, {
    _add: (client: Connecting, auth: object, connected: (socket: Socket) => void): unknown => {
      if (entering.has(client)) return client.close();
      entering.add(client);
      client.conn.client = client as unknown as NonNullable<Counted["client"]>;
      return add(client, auth, (socket) => {
        entering.delete(client);
        connected(socket);
      });
    },
    _createSocket: (client: unknown, auth: object) => new LeanSocket(namespace, client, auth, ended),
  });
}

/** With stock sockets, one must listen to each. */
function listenForEnds(io: Server, over: SocketOver): void {
  io.use((socket, next) => {
    let isOver = false;
    const tell = (reason: DisconnectReason | undefined): void => {
      if (!isOver) over(socket, reason);
      isOver = true;
    };
    // A socket that never connects has no disconnect; for others, it comes first.
    socket.once("disconnect", tell);
    socket.conn.once("close", () => tell(undefined));
    next();
  });
}
