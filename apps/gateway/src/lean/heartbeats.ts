import type { Clock } from "@fanfare/domain";
import { Deadlines } from "./deadlines.ts";

/** What a heartbeat needs of a connection. */
export interface Beating {
  /** Whether the wait for an answer has been extended: once, by another packet. */
  hasRefreshedPingTimeout: boolean;
  sendPacket(type: "ping"): void;
  onClose(reason: "ping timeout"): void;
}

/**
 * The heartbeats of all connections (Engine.IO protocol v4, "Heartbeat"): a ping so long after the beginning or the last
 * answer, and the end when no answer comes. Two timers for all of them, in place of two for each.
 */
export class Heartbeats {
  readonly #pings: Deadlines<Beating>;
  readonly #answers: Deadlines<Beating>;

  constructor(clock: Pick<Clock, "after" | "monotonic">, intervalMs: number, timeoutMs: number) {
    this.#answers = new Deadlines(clock, timeoutMs, (connection) => connection.onClose("ping timeout"));
    this.#pings = new Deadlines(clock, intervalMs, (connection) => {
      // Most never set it, and have none of their own.
      if (connection.hasRefreshedPingTimeout) connection.hasRefreshedPingTimeout = false;
      this.#answers.add(connection);
      connection.sendPacket("ping");
    });
  }

  begin(connection: Beating): void {
    this.#pings.add(connection);
  }

  /** A pong. One that nobody asked for also puts off the next ping, as in Engine.IO. */
  answered(connection: Beating): void {
    this.#answers.delete(connection);
    this.#pings.add(connection);
  }

  /** Whether it was sent a ping and has not answered. */
  awaits(connection: Beating): boolean {
    return this.#answers.has(connection);
  }

  /** Something else: a client that is busy sending is alive, and may be late with its answer, once. */
  heard(connection: Beating): void {
    if (connection.hasRefreshedPingTimeout || !this.#answers.has(connection)) return;
    connection.hasRefreshedPingTimeout = true;
    this.#answers.add(connection);
  }

  end(connection: Beating): void {
    this.#pings.delete(connection);
    this.#answers.delete(connection);
  }

  close(): void {
    this.#pings.close();
    this.#answers.close();
  }
}
