import { io, type Socket } from "socket.io-client";

/** Undefined: the stock client's, polling and then an upgrade. */
export type Transports = readonly ("polling" | "websocket")[] | undefined;

/**
 * A stock `socket.io-client` that follows numbers which count up from 1 in one channel, and keeps no more of them than what
 * went wrong: there are hundreds of these in one process, for minutes.
 */
export class Watcher {
  readonly socket: Socket;
  readonly channel: string;
  /** The last number in its turn. */
  heard = 0;
  doubled = 0;
  disordered = 0;
  /** Numbers that were passed over. */
  missed = 0;
  connects = 0;
  recoveries = 0;
  resets = 0;
  refusals = 0;
  lastRefusal = "none";
  /** How long it was away, each time that it was. */
  readonly offlineMs: number[] = [];
  #awaySinceMs: number | undefined;

  constructor(url: string, channel: string, transports?: Transports) {
    this.channel = channel;
    this.socket = io(url, {
      forceNew: true,
      ...(transports === undefined ? {} : { transports: [...transports] }),
      auth: { channels: [channel] },
    });
    this.socket.on("connect", () => {
      this.connects++;
      if (this.socket.recovered) this.recoveries++;
      if (this.#awaySinceMs !== undefined) this.offlineMs.push(performance.now() - this.#awaySinceMs);
      this.#awaySinceMs = undefined;
    });
    this.socket.on("disconnect", () => {
      this.#awaySinceMs = performance.now();
    });
    this.socket.on("connect_error", ({ message }) => {
      this.refusals++;
      this.lastRefusal = message;
    });
    this.socket.on("fanfare:reset", () => this.resets++);
    this.socket.on("message", (number: number) => this.#hear(number));
  }

  /** Until it is connected and subscribed. */
  welcomed(): Promise<void> {
    return new Promise((resolve) => void this.socket.once("fanfare:welcome", () => resolve()));
  }

  get transport(): string {
    return this.socket.io.engine?.transport.name ?? "none";
  }

  close(): void {
    this.socket.disconnect();
  }

  #hear(number: number): void {
    if (number > this.heard) {
      this.missed += number - this.heard - 1;
      this.heard = number;
    } else if (number === this.heard) this.doubled++;
    else this.disordered++;
  }
}

/** What those say for themselves who are not connected: by their transports, what their engines are doing and what they heard last. */
export function whoIsAway(watchers: readonly Watcher[]): string | undefined {
  const away = watchers.filter(({ socket }) => !socket.connected);
  if (away.length === 0) return undefined;
  const kinds = new Map<string, number>();
  for (const { socket, transport, lastRefusal, connects } of away) {
    const manager = socket.io as unknown as { _readyState: string; engine?: { readyState: string } };
    const kind = `${socket.io.opts.transports ?? "default"} ${transport} ${manager._readyState}/${manager.engine?.readyState}, active ${socket.active}, refused by ${lastRefusal}, connects ${connects}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return `${away.length} clients are away: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join("; ")}`;
}

/** What a crowd has to show for itself, as one row. */
export function summary(watchers: readonly Watcher[]): Readonly<Record<string, number>> {
  const sum = (of: (watcher: Watcher) => number): number => watchers.reduce((total, watcher) => total + of(watcher), 0);
  const offline = watchers.flatMap(({ offlineMs }) => offlineMs).sort((a, b) => a - b);
  return {
    clients: watchers.length,
    missed: sum(({ missed }) => missed),
    doubled: sum(({ doubled }) => doubled),
    disordered: sum(({ disordered }) => disordered),
    resets: sum(({ resets }) => resets),
    reconnects: sum(({ connects }) => connects - 1),
    recovered: sum(({ recoveries }) => recoveries),
    refusals: sum(({ refusals }) => refusals),
    offlineP50Ms: percentile(offline, 0.5),
    offlineP99Ms: percentile(offline, 0.99),
    offlineMaxMs: percentile(offline, 1),
  };
}

export function percentile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
}
