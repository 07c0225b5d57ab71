import { type Channel, channel as follow } from "@fanfare/client";
import type { Position } from "@fanfare/domain";
import { io, type Socket } from "socket.io-client";
import { cut } from "./cut.ts";
import { type FeedState, nothingYet, plus, type Status } from "./feed-state.ts";
import { createWindow, type PointWindow } from "./window.ts";
import { numberOf, type Welcome } from "./wire.ts";

export interface FeedOptions {
  readonly url: string;
  readonly channel: string;
  /** Publications shown, and asked for at the first subscribe. */
  readonly capacity: number;
  /** How long a subscribe may stay unanswered before it is sent again. */
  readonly answerMs?: number;
}

/** One channel, heard through one stock Socket.IO client. */
export interface Feed {
  readonly channel: string;
  readonly points: PointWindow;
  state(): FeedState;
  /** Calls back after every change. The returned function ends that. */
  onChange(listener: () => void): () => void;
  /** Connects anew over long-polling only, or with everything allowed again; the channel goes on where it was. */
  blockWebsocket(blocked: boolean): void;
  /** Ends the connection and stays away for so long, with the session kept. */
  cut(forMs: number): void;
  close(): void;
}

export function createFeed({ url, channel, capacity, answerMs }: FeedOptions): Feed {
  const points = createWindow(capacity);
  const listeners = new Set<() => void>();
  let state = nothingYet;
  let { socket, heard } = open(undefined);

  function set(change: Partial<FeedState>): void {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }

  function open(since: Position | undefined): { readonly socket: Socket; readonly heard: Channel } {
    const opened = io(url, { forceNew: true, transports: state.websocketBlocked ? ["polling"] : ["polling", "websocket"] });
    // A socket that has been replaced may still speak while it closes; nobody listens to it.
    const current = () => opened === socket;

    opened.on("connect", () => {
      const { engine } = opened.io;
      engine.on("upgrade", ({ name }: { name: string }) => current() && set({ transport: name }));
      set({ status: "Connected", detail: "", transport: engine.transport.name, session: opened.id ?? "" });
    });
    opened.on("disconnect", (reason) => ended("Closed", reason));
    opened.on("connect_error", ({ message }) => ended("Error", message));
    opened.on("fanfare:welcome", ({ id, node }: Welcome) => current() && set({ session: id, node }));
    opened.on("fanfare:degraded", () => current() && set({ degraded: true }));
    opened.on("fanfare:restored", () => current() && set({ degraded: false }));

    const followed = follow(opened, channel, {
      since,
      rewind: capacity,
      answerMs,
      onReset({ reason }) {
        points.clear();
        set({ reloads: state.reloads + 1, detail: `Reloaded: ${reason}` });
      },
      onState(now, refusal) {
        if (refusal !== undefined) set({ status: "Error", detail: `${refusal.code}: ${refusal.message}` });
        else if (now === "live") set({ status: "Connected", detail: opened.recovered ? "Recovered" : state.detail });
      },
    });
    followed.on("*", (data, { offset, at }) => {
      points.put(offset, numberOf(data), at);
      set({ newest: { at, arrivedAt: performance.now() } });
    });

    function ended(status: Status, reason: string): void {
      if (current()) set({ status, detail: `${reason}${opened.active ? ", trying again" : ""}`, transport: "" });
    }

    return { socket: opened, heard: followed };
  }

  return {
    channel,
    points,
    state: () => ({ ...state, position: heard.position ?? state.position, counts: plus(state.counts, heard.counts) }),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    blockWebsocket(blocked) {
      const replaced = socket;
      const { position, counts } = this.state();
      heard.close();
      set({ websocketBlocked: blocked, position, counts, status: "Closed", detail: "Connecting anew", transport: "" });
      ({ socket, heard } = open(position));
      replaced.disconnect();
    },
    cut(forMs) {
      if (socket.connected) cut(socket, forMs);
    },
    close() {
      listeners.clear();
      heard.close();
      socket.disconnect();
    },
  };
}
