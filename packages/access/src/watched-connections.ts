import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "@fanfare/domain";

/**
 * What is known of the connections of a server, each until it closes, and looked at now and then for as long as there are any.
 * By connection, because whatever is kept for each request, a timer or an entry of a map, costs a tenth of a short one and more.
 */
export class WatchedConnections<State> {
  readonly #states = new Map<Socket, State>();
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  readonly #everyMs: number;
  readonly #look: (socket: Socket, state: State, nowMs: number) => void;
  #callOff: (() => void) | undefined;

  constructor(
    server: Server,
    clock: Pick<Clock, "after" | "monotonic">,
    everyMs: number,
    look: (socket: Socket, state: State, nowMs: number) => void,
  ) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#look = look;
    server.once("close", () => this.#callOff?.());
  }

  get(socket: Socket): State | undefined {
    return this.#states.get(socket);
  }

  /** Called once for each. */
  add(socket: Socket, state: State): void {
    this.#states.set(socket, state);
    socket.once("close", () => this.#states.delete(socket));
    if (this.#callOff === undefined) this.#lookLater();
  }

  #lookLater(): void {
    this.#callOff = this.#clock.after(this.#everyMs, () => this.#lookAtAll());
  }

  #lookAtAll(): void {
    const nowMs = this.#clock.monotonic();
    for (const [socket, state] of this.#states) this.#look(socket, state, nowMs);
    if (this.#states.size === 0) this.#callOff = undefined;
    else this.#lookLater();
  }
}
