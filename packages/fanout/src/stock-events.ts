import { isChannelName, isEventName } from "@fanfare/domain";
import type { Namespace, Socket } from "socket.io";
import type { Channels } from "./channels.ts";
import type { FanoutObserver } from "./observer.ts";
import type { StockAdapter } from "./stock-adapter.ts";

/** `PacketType.EVENT` of the Socket.IO protocol. */
const eventPacket = 2;

export interface StockEventsParts {
  readonly stock: StockAdapter;
  readonly channels: Channels;
  readonly observer: FanoutObserver;
  namespace(): Namespace | undefined;
  /** Tells a socket its bookmark again. */
  remind(socket: Socket): void;
}

/** Delivers what stock nodes and emitters send: events that are in no log, to whoever is here now. */
export class StockEvents {
  readonly #parts: StockEventsParts;

  constructor(parts: StockEventsParts) {
    this.#parts = parts;
  }

  /** A message on a topic of the stock adapter's. */
  hear(topic: string, message: Uint8Array): void {
    const { stock, observer } = this.#parts;
    const foreign = stock.hear(topic, message);
    observer.announcement(foreign === undefined ? "garbage" : "foreign");
    if (foreign?.endsInString) this.#restoreBookmarks(foreign.rooms);
  }

  pass(args: readonly unknown[], rooms: readonly string[], except: readonly string[]): void {
    const { observer } = this.#parts;
    const namespace = this.#parts.namespace();
    if (namespace === undefined || !isEventName(args[0])) {
      observer.announcement("garbage");
      return;
    }
    observer.announcement("foreign");
    const opts = { rooms: this.#roomsNamed(rooms), except: this.#roomsNamed(except), flags: { local: true } };
    if (rooms.length > 0 && opts.rooms.size === 0) return;
    // Through the stock encoder: what an emitter sends may have binaries anywhere.
    namespace.adapter.broadcast({ type: eventPacket, data: [...args], nsp: "/" }, opts);
    if (typeof args.at(-1) === "string") this.#restoreBookmarks([...opts.rooms]);
  }

  #roomsNamed(names: readonly string[]): Set<string> {
    const { sockets } = this.#parts.namespace() ?? {};
    return new Set(
      names.flatMap((name) => [
        ...(isChannelName(name) ? [this.#parts.channels.roomOf(name)] : []),
        // A session's private room: only ever by an id that is connected here.
        ...(sockets?.has(name) ? [name] : []),
      ]),
    );
  }

  /**
   * Stock clients took the last string of a foreign event for their bookmark. An event that nobody listens to gives them
   * theirs back, so that they can still be recovered.
   */
  #restoreBookmarks(rooms: readonly string[]): void {
    const { adapter, sockets } = this.#parts.namespace() ?? {};
    if (adapter === undefined || sockets === undefined) return;
    const ids = rooms.length === 0 ? sockets.keys() : new Set(rooms.flatMap((room) => [...(adapter.rooms.get(room) ?? [])]));
    for (const id of ids) {
      const socket = sockets.get(id);
      if (socket !== undefined) this.#parts.remind(socket);
    }
  }
}
