import type { EventEmitter } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { type DisconnectReason, type Namespace, Socket } from "socket.io";
import { withoutListeners } from "./emitter.ts";
import type { EngineRequest } from "./internals.ts";

type Over = (socket: Socket, reason: DisconnectReason | undefined) => void;
type Ack = (...answer: unknown[]) => void;

/** What Socket.IO keeps private (lib/socket.ts). */
interface SocketInside {
  readonly request: EngineRequest | undefined;
  readonly conn: { readonly remoteAddress: string };
  connected: boolean;
  handshake: Handshake | ForgottenHandshake;
  _anyListeners?: readonly ((...args: unknown[]) => void)[];
}

interface Inherited {
  _onclose(this: Socket, reason: DisconnectReason, description?: unknown): Socket | undefined;
  _cleanup(this: Socket): void;
  _onerror(this: Socket, error: unknown): void;
  dispatch(this: Socket, event: unknown[]): void;
}

const stock = Socket.prototype as unknown as Inherited;

/** The stock class without its types, which keep private what is overridden here. */
const StockSocket = Socket as unknown as new (
  namespace: Namespace,
  client: unknown,
  auth: object,
) => EventEmitter & { readonly connected: boolean };

/** Socket.IO's handshake, with the text of its time made when somebody asks. */
class Handshake {
  readonly issued = Date.now();
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  readonly xdomain: boolean;
  readonly secure: boolean;
  readonly url: string | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly auth: unknown;

  constructor({ request, conn }: SocketInside, auth: unknown) {
    this.headers = request?.headers ?? {};
    this.address = conn.remoteAddress;
    this.xdomain = this.headers.origin !== undefined;
    this.secure = request === undefined || "encrypted" in request.socket;
    this.url = request?.url;
    this.query = request?._query ?? {};
    this.auth = auth;
  }

  get time(): string {
    return String(new Date(this.issued));
  }
}

const nothing = Object.freeze({});

/** What is left of a handshake when the client has what it came for. */
class ForgottenHandshake {
  readonly issued: number;
  readonly address: string;
  readonly secure: boolean;

  constructor({ issued, address, secure }: Handshake | ForgottenHandshake) {
    this.issued = issued;
    this.address = address;
    this.secure = secure;
  }

  get time(): string {
    return String(new Date(this.issued));
  }
  get headers(): object {
    return nothing;
  }
  get query(): object {
    return nothing;
  }
  get auth(): object {
    return nothing;
  }
  get xdomain(): undefined {
    return undefined;
  }
  get url(): undefined {
    return undefined;
  }
}

/** Socket.IO's socket, with what most never use made when it is used first. */
export class LeanSocket extends StockSocket {
  readonly #over: Over;
  #acks: Map<number, Ack> | undefined;
  #middlewares: unknown[] | undefined;
  #flags: object | undefined;

  /** `over` is told when a socket has come to its end: with the reason, or with undefined when it had never connected. */
  constructor(namespace: Namespace, client: unknown, auth: object, over: Over) {
    super(namespace, client, auth);
    // Socket.IO listens for "error" only so that none is thrown for want of a listener.
    withoutListeners(this);
    this.#over = over;
  }

  buildHandshake(auth: unknown): Handshake {
    return new Handshake(this as unknown as SocketInside, auth);
  }

  _onerror(error: Error): void {
    if (this.listenerCount("error") > 0) stock._onerror.call(this as unknown as Socket, error);
  }

  _onclose(reason: DisconnectReason, description?: unknown): void {
    if (!this.connected) return;
    stock._onclose.call(this as unknown as Socket, reason, description);
    this.#over(this as unknown as Socket, reason);
  }

  _cleanup(): void {
    stock._cleanup.call(this as unknown as Socket);
    if (!this.connected) this.#over(this as unknown as Socket, undefined);
  }

  /** Nothing has to be prepared, nor to be put off to the next tick, for an event that nobody listens to. */
  dispatch(event: unknown[]): void {
    const middlewares = this.#middlewares?.length ?? 0;
    if (middlewares > 0 || this.listenerCount(event[0] as string) > 0) stock.dispatch.call(this as unknown as Socket, event);
  }

  static {
    // Accessors in place of fields. The base class sets them in its constructor, before there is anything to set.
    Object.defineProperties(LeanSocket.prototype, {
      acks: {
        get(this: LeanSocket) {
          this.#acks ??= new Map();
          return this.#acks;
        },
        set() {},
      },
      fns: {
        get(this: LeanSocket) {
          this.#middlewares ??= [];
          return this.#middlewares;
        },
        set() {},
      },
      // Of the next emit; each begins with none.
      flags: {
        get(this: LeanSocket) {
          this.#flags ??= {};
          return this.#flags;
        },
        set(this: LeanSocket, flags: object) {
          if (#flags in this) this.#flags = Object.keys(flags).length === 0 ? undefined : flags;
        },
      },
    });
  }
}

/** Makes one list of listeners for every event, which all sockets share, the socket's only one. */
export function hearAny(socket: Socket, listeners: readonly ((this: Socket, ...args: never[]) => void)[]): void {
  if (socket instanceof LeanSocket) Object.assign(socket, { _anyListeners: Object.freeze(listeners) });
  else for (const listener of listeners) socket.onAny(listener.bind(socket) as () => void);
}

/** Lets go of the request that a client came with, and of what was made from it, once nothing of it is needed any more. */
export function forgetHandshake(socket: Socket): void {
  if (!(socket instanceof LeanSocket)) return;
  const inside = socket as unknown as { handshake: Handshake | ForgottenHandshake; conn: { request: unknown } };
  inside.handshake = new ForgottenHandshake(inside.handshake);
  inside.conn.request = undefined;
}
