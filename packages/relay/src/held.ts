import type { Clock } from "@fanfare/domain";
import type { Engine, EngineSocket, MovingSession, Packet } from "./engine.ts";

/** How long a polling session is held back: long enough for the websocket of a client that wants one to arrive. */
const holdMs = 300;
/** And shorter than it takes to the first ping, which comes whether a session is held or not. */
const holdPings = 1 / 3;
/** A node whose timers are this late is behind with everything, upgrades too: then sessions are held for longer. */
const lateMs = 20;
const extensionsMax = 3;
/** While a session is claimed, its pending poll is answered this often, so that the client can leave it. */
const noopMs = 50;
/** Messages of a session that is held back; with more it is let go, wherever it stands. */
const messagesMax = 32;
/** How long a session that has moved is remembered, for late requests. */
const tombstoneMs = 30_000;

interface Held {
  readonly socket: EngineSocket;
  readonly received: Packet[];
  claimed: boolean;
  callOff(): void;
  /** Ends the holding, without a word to anybody. */
  drop(): void;
}

/**
 * Sessions that have begun on this node with polling and that the application does not know yet. As long as it does not, a
 * session is only a few packets, and can move to the node where its client's websocket arrives.
 */
export class HeldSessions {
  readonly #engine: Engine;
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  readonly #held = new Map<string, Held>();
  readonly #moved = new Set<string>();
  readonly #introduce: (socket: EngineSocket) => void;

  /** From now on `engine` announces a polling session a little later, as long as `useful` says that it may have to move. */
  constructor(engine: Engine, useful: () => boolean, clock: Pick<Clock, "after" | "monotonic">) {
    this.#engine = engine;
    this.#clock = clock;
    const listeners = engine.listeners("connection");
    this.#introduce = (socket) => {
      for (const listener of listeners) listener.call(engine, socket);
    };
    engine.removeAllListeners("connection");
    engine.on("connection", (socket: EngineSocket) => {
      if (socket.transport.name === "polling" && socket.protocol === 4 && useful()) this.#hold(socket);
      else this.#introduce(socket);
    });
  }

  /** Whether the session has left this node not long ago. */
  hasMoved(id: string): boolean {
    return this.#moved.has(id);
  }

  /** Keeps a session for a node that has its websocket. False when the application knows it, or another node was faster. */
  claim(id: string): boolean {
    const held = this.#held.get(id);
    if (held === undefined || held.claimed) return false;
    held.claimed = true;
    held.callOff();
    const endAtLatest = this.#clock.after(this.#engine.opts.upgradeTimeout, () => this.release(id));
    let stopNoops = (): void => undefined;
    const noop = (): void => {
      answerPoll(held.socket);
      stopNoops = this.#clock.after(noopMs, noop);
    };
    noop();
    held.callOff = () => {
      endAtLatest();
      stopNoops();
    };
    return true;
  }

  /** Gives a claimed session away: here it exists no longer. Undefined when it is not to be had. */
  take(id: string): MovingSession | undefined {
    const held = this.#held.get(id);
    if (!held?.claimed || held.socket.readyState !== "open") return undefined;
    const { socket, received } = held;
    held.drop();
    const { url = "", headers } = socket.request;
    const unsent = socket.writeBuffer.map(({ type, data }) => (data === undefined ? { type } : { type, data }));
    this.#moved.add(id);
    this.#clock.after(tombstoneMs, () => this.#moved.delete(id));
    socket.close(true);
    return { request: { url, headers, address: socket.remoteAddress }, received, unsent };
  }

  /** The session stays: the application gets to know it, and everything it has said. */
  release(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    const { socket, received } = held;
    held.drop();
    if (socket.readyState !== "open") return;
    inOnePoll(socket, () => {
      this.#introduce(socket);
      for (const packet of received) socket.onPacket(packet);
    });
  }

  releaseAll(): void {
    for (const id of [...this.#held.keys()]) this.release(id);
  }

  #hold(socket: EngineSocket): void {
    const { id } = socket;
    const release = (): void => this.release(id);
    const received: Packet[] = [];
    const collect = (packet: Packet): void => {
      if (packet.type !== "message") return;
      received.push(packet);
      // Not in this turn: the engine is about to hand this very packet to whoever listens.
      if (received.length > messagesMax) setImmediate(release);
    };
    const held: Held = {
      socket,
      received,
      claimed: false,
      callOff: () => undefined,
      drop: () => {
        held.callOff();
        this.#held.delete(id);
        socket.off("packet", collect).off("upgrading", release).off("close", forget);
      },
    };
    const forget = (): void => held.drop();
    // Its websocket has come to this node: there is nothing to wait for.
    socket.on("packet", collect).once("upgrading", release).once("close", forget);
    this.#held.set(id, held);
    this.#releaseLater(held, extensionsMax);
  }

  #releaseLater(held: Held, extensions: number): void {
    const ms = Math.min(holdMs, this.#engine.opts.pingInterval * holdPings);
    const dueMs = this.#clock.monotonic() + ms;
    held.callOff = this.#clock.after(ms, () => {
      if (extensions > 0 && this.#clock.monotonic() - dueMs > lateMs) this.#releaseLater(held, extensions - 1);
      else this.release(held.socket.id);
    });
  }
}

/** Lets everything that `act` sends go out in one answer, as it would have when no poll had been waiting for it. */
function inOnePoll(socket: EngineSocket, act: () => void): void {
  const { transport } = socket;
  const waits = transport.name === "polling" && transport.writable;
  if (waits) transport.writable = false;
  act();
  if (!waits) return;
  transport.writable = true;
  if (socket.readyState === "open") socket.flush();
  // Closed meanwhile: the engine appends its goodbye to whatever goes out.
  else transport.send([{ type: "noop" }]);
}

/** Ends a pending poll with nothing in it; the client polls again, or leaves polling. */
export function answerPoll({ transport }: EngineSocket): void {
  if (transport.name === "polling" && transport.writable) transport.send([{ type: "noop" }]);
}
