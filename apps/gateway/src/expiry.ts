import type { Clock } from "@fanfare/domain";
import { type ClientSocket, identityOf } from "./session.ts";

/** How long after its token has expired a connection may still be refreshed: a fresh token may be on its way. */
const graceMs = 5_000;
/** How long before that a client is told, a little different for each: not all of them should ask for tokens at once. */
const noticeMinMs = 30_000;
const noticeMaxMs = 60_000;
/** Nobody is told before this share of the time left is over: a token of a few seconds has a few seconds. */
const noticeShareMax = 1 / 3;
const tickMs = 1_000;

export interface ExpiryParts {
  readonly clock: Clock;
  /** Says that the token expires in `inMs`. */
  readonly expiring: (socket: ClientSocket, inMs: number) => void;
  /** Its token has expired, and the grace is over. */
  readonly expired: (socket: ClientSocket) => void;
}

interface Watched {
  readonly expiresAt: number;
  /** When there is something to do next: tell it, or end it. */
  dueAt: number;
  told: boolean;
}

/**
 * Watches over when tokens expire. One timer for all connections: each is in the list of the second in which something is
 * due for it, so a tick looks at nobody else.
 */
export class Expiry {
  readonly #parts: ExpiryParts;
  readonly #watched = new Map<ClientSocket, Watched>();
  readonly #bySecond = new Map<number, Set<ClientSocket>>();
  #callOff: () => void;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
    this.#callOff = parts.clock.after(tickMs, () => this.#tick());
  }

  /** From now on by what the socket's identity says now. Call it again when that has changed. */
  watch(socket: ClientSocket): void {
    const known = this.#forget(socket);
    const { expiresAt } = identityOf(socket);
    if (expiresAt === undefined || !socket.connected) return;
    const leftMs = expiresAt - this.#parts.clock.now();
    const noticeMs = Math.min(noticeMinMs + Math.random() * (noticeMaxMs - noticeMinMs), leftMs * noticeShareMax);
    this.#put(socket, { expiresAt, dueAt: expiresAt - noticeMs, told: false });
    if (!known) socket.once("disconnect", () => this.#forget(socket));
  }

  stop(): void {
    this.#callOff();
  }

  #forget(socket: ClientSocket): boolean {
    const watched = this.#watched.get(socket);
    if (watched === undefined) return false;
    this.#watched.delete(socket);
    const second = secondOf(watched.dueAt);
    const list = this.#bySecond.get(second);
    list?.delete(socket);
    if (list?.size === 0) this.#bySecond.delete(second);
    return true;
  }

  #put(socket: ClientSocket, watched: Watched): void {
    this.#watched.set(socket, watched);
    const second = secondOf(watched.dueAt);
    const list = this.#bySecond.get(second);
    if (list === undefined) this.#bySecond.set(second, new Set([socket]));
    else list.add(socket);
  }

  #tick(): void {
    const now = this.#parts.clock.now();
    // All seconds that are over, not just the last one: the machine's clock may have been set.
    for (const second of this.#bySecond.keys()) if (second < secondOf(now)) this.#due(second, now);
    this.#callOff = this.#parts.clock.after(tickMs, () => this.#tick());
  }

  #due(second: number, now: number): void {
    for (const socket of this.#bySecond.get(second) ?? []) {
      const watched = this.#watched.get(socket);
      this.#forget(socket);
      if (watched === undefined || !socket.connected) continue;
      const { expiresAt, told } = watched;
      if (told) this.#parts.expired(socket);
      else {
        this.#put(socket, { expiresAt, dueAt: expiresAt + graceMs, told: true });
        this.#parts.expiring(socket, Math.max(0, expiresAt - now));
      }
    }
  }
}

function secondOf(ms: number): number {
  return Math.floor(ms / 1_000);
}
