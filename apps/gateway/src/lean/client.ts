import type { Server } from "socket.io";
import type { LeanConnection } from "./connection.ts";
import type { Deadlines } from "./deadlines.ts";
import { FewMap } from "./few-map.ts";
import { StockClient } from "./internals.ts";

/** socket.io lib/client.ts, lib/namespace.ts */
interface Connected {
  readonly id: string;
  _onclose(reason: string, description?: unknown): void;
}

interface NamespaceInside {
  readonly name: string;
  _add(client: LeanClient, auth: unknown, connected: (socket: Connected) => void): void;
}

interface ServerInside {
  readonly encoder: unknown;
  readonly _parser: { Decoder: new () => Decoder };
}

/** socket.io-parser's */
interface Decoder {
  on(event: "decoded", listener: (packet: unknown) => void): void;
  add(data: unknown): void;
  destroy(): void;
}

interface LeanClientParts {
  readonly io: Server;
  /** Clients that have not said yet which namespace they want. */
  readonly undecided: Deadlines<LeanClient>;
  /** Reads a packet that is one text. Throws what the stock decoder throws. */
  readonly decodeText: (text: string) => unknown;
}

/** What is inherited from the stock client at run time, see the end of this file. */
export interface LeanClient {
  ondecoded(packet: unknown): void;
  onerror(error: unknown): void;
  close(): void;
}

/** Packets in several pieces: `BINARY_EVENT` and `BINARY_ACK` of the Socket.IO protocol v5. */
const inPieces: ReadonlySet<string | undefined> = new Set(["5", "6"]);

/** Socket.IO's client (lib/client.ts): it decodes texts with a decoder that all share and is called, not listened for. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the declared members are inherited, from a class without types
export class LeanClient {
  readonly conn: LeanConnection;
  readonly sockets = new FewMap<string, Connected>();
  readonly nsps = new FewMap<string, Connected>();
  readonly #parts: LeanClientParts;
  /** Only of clients that send binaries. */
  #decoder: Decoder | undefined;

  constructor(conn: LeanConnection, parts: LeanClientParts) {
    this.conn = conn;
    this.#parts = parts;
    conn.client = this;
    parts.undecided.add(this);
  }

  get server(): Server {
    return this.#parts.io;
  }

  get id(): string {
    return this.conn.id;
  }

  get encoder(): unknown {
    return (this.#parts.io as unknown as ServerInside).encoder;
  }

  doConnect(name: string, auth: unknown): void {
    const namespace = this.server.of(name) as unknown as NamespaceInside;
    namespace._add(this, auth, (socket) => {
      this.sockets.set(socket.id, socket);
      this.nsps.set(name, socket);
      this.#parts.undecided.delete(this);
    });
  }

  ondata(data: unknown): void {
    try {
      if (this.#decoder === undefined && typeof data === "string" && !inPieces.has(data[0])) {
        this.ondecoded(this.#parts.decodeText(data));
      } else this.#ownDecoder().add(data);
    } catch (error) {
      this.onerror(error);
    }
  }

  onclose(reason: string, description?: unknown): void {
    this.destroy();
    for (const socket of this.sockets.values()) socket._onclose(reason, description);
    this.sockets.clear();
    this.#decoder?.destroy();
  }

  destroy(): void {
    this.#parts.undecided.delete(this);
  }

  #ownDecoder(): Decoder {
    if (this.#decoder === undefined) {
      this.#decoder = new (this.server as unknown as ServerInside)._parser.Decoder();
      this.#decoder.on("decoded", (packet) => this.ondecoded(packet));
    }
    return this.#decoder;
  }
}

if (StockClient !== undefined) Object.setPrototypeOf(LeanClient.prototype, StockClient.prototype);

/** A packet and its attachments together may be as long as one message: each piece alone is a message too. */
export function boundDecoders(io: Server, bytesMax: number): void {
  const inside = io as unknown as ServerInside;
  class BoundedDecoder extends inside._parser.Decoder {
    #bytes = 0;

    override add(data: string | Buffer): void {
      this.#bytes = typeof data === "string" ? data.length : this.#bytes + data.length;
      if (this.#bytes > bytesMax) throw new RangeError("packet too long");
      super.add(data);
    }
  }
  Object.assign(io, { _parser: { ...inside._parser, Decoder: BoundedDecoder } });
}

/** One decoder for all texts: only a packet in pieces leaves anything behind in it. */
export function textDecoder(io: Server): (text: string) => unknown {
  const decoder = new (io as unknown as ServerInside)._parser.Decoder();
  let decoded: unknown;
  decoder.on("decoded", (packet) => {
    decoded = packet;
  });
  return (text) => {
    decoder.add(text);
    return decoded;
  };
}
