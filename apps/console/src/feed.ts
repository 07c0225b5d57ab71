import type { Position } from "@fanfare/domain";
import { io, type Socket } from "socket.io-client";
import { observe, startOver } from "./continuity.ts";
import { type FeedState, nothingYet, type Status } from "./feed-state.ts";
import { createWindow, type PointWindow } from "./window.ts";
import { contextOf, numberOf, type SubscribeAnswer, type Welcome } from "./wire.ts";

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
  close(): void;
}

export function createFeed({ url, channel, capacity, answerMs = 5_000 }: FeedOptions): Feed {
  const points = createWindow(capacity);
  const listeners = new Set<() => void>();
  let state = nothingYet;
  let socket = open();

  function set(change: Partial<FeedState>): void {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }

  function open(): Socket {
    const opened = io(url, { forceNew: true, transports: state.websocketBlocked ? ["polling"] : ["polling", "websocket"] });
    // A socket that has been replaced may still speak while it closes; nobody listens to it.
    const current = () => opened === socket;
    /** Of this connection's session; a recovered one keeps it. */
    let subscribed = false;

    opened.on("connect", () => {
      const { engine } = opened.io;
      engine.on("upgrade", ({ name }: { name: string }) => current() && set({ transport: name }));
      const kept = opened.recovered && subscribed;
      set({ status: "Connected", detail: kept ? "Recovered" : "", transport: engine.transport.name, session: opened.id ?? "" });
      if (!kept) void subscribe();
    });
    opened.on("disconnect", (reason) => ended("Closed", reason));
    opened.on("connect_error", ({ message }) => ended("Error", message));
    opened.on("fanfare:welcome", ({ id, node }: Welcome) => current() && set({ session: id, node }));
    opened.on("fanfare:degraded", () => current() && set({ degraded: true }));
    opened.on("fanfare:restored", () => current() && set({ degraded: false }));
    opened.on("fanfare:reset", (notice: { channel: string; reason: string }) => {
      if (current() && notice.channel === channel) void reload(notice.reason);
    });
    opened.on("fanfare:unsubscribed", (notice: { channel: string; code: string }) => {
      if (current() && notice.channel === channel) set({ status: "Error", detail: `Unsubscribed: ${notice.code}` });
    });
    // Whatever its event is called: a publication that is not a point takes an offset all the same.
    opened.onAny((_event: string, ...args: unknown[]) => {
      const context = contextOf(channel, args);
      if (current() && context !== undefined) take(context, context.at, numberOf(args[0]));
    });

    function ended(status: Status, reason: string): void {
      if (current()) set({ status, detail: `${reason}${opened.active ? ", trying again" : ""}`, transport: "" });
    }

    async function subscribe(): Promise<void> {
      subscribed = false;
      const since = positionOf(state);
      const request = { channel, rewind: capacity, ...(since === undefined ? {} : { since }) };
      const answer = await ask("subscribe", request);
      if (answer === undefined) return;
      if (!answer.ok) {
        set({ status: "Error", detail: `${answer.error.code}: ${answer.error.message}` });
        if (answer.error.retryAfterMs !== undefined) setTimeout(() => resume(), answer.error.retryAfterMs);
        return;
      }
      subscribed = true;
      // Counts from the server's word when nothing has come yet, so that losing the very next one would show.
      const continuity = state.continuity.last === undefined ? startOver(state.continuity, answer) : state.continuity;
      const detail = since === undefined ? "" : answer.recovered ? `Resumed, ${answer.replayed} caught up` : "Joined anew";
      set({ status: "Connected", detail, continuity });
    }

    function resume(): void {
      if (current() && opened.connected && !subscribed) void subscribe();
    }

    async function reload(reason: string): Promise<void> {
      set({ reloads: state.reloads + 1 });
      forget();
      // Unsubscribes first: what is published meanwhile must not come live and then again by the rewind.
      if ((await ask("unsubscribe", { channel })) === undefined) return;
      forget();
      await subscribe();
      if (current()) set({ detail: `Reloaded: ${reason}` });
    }

    /** At once, so that a connection that ends before the answer is followed by one that starts over. */
    function forget(): void {
      subscribed = false;
      points.clear();
      set({ continuity: startOver(state.continuity) });
    }

    /** Undefined when the connection ended meanwhile: the next one subscribes by itself. */
    async function ask(event: string, request: object): Promise<SubscribeAnswer | undefined> {
      for (;;) {
        try {
          const answer = await opened.timeout(answerMs).emitWithAck(event, request);
          return current() ? answer : undefined;
        } catch {
          if (!current() || !opened.connected) return undefined;
          set({ status: "Error", detail: "The node does not answer, asking again" });
        }
      }
    }

    return opened;
  }

  function take(position: Position, at: number, y: number): void {
    const { state: continuity, fresh } = observe(state.continuity, position);
    if (fresh) {
      if (position.epoch !== state.continuity.epoch) points.clear();
      points.put(position.offset, y, at);
    }
    set({ continuity, newest: position.offset === points.newest ? { at, arrivedAt: performance.now() } : state.newest });
  }

  return {
    channel,
    points,
    state: () => state,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    blockWebsocket(blocked) {
      const replaced = socket;
      set({ websocketBlocked: blocked, status: "Closed", detail: "Connecting anew", transport: "" });
      socket = open();
      replaced.disconnect();
    },
    close() {
      listeners.clear();
      socket.disconnect();
    },
  };
}

/** The place to go on from. */
function positionOf({ continuity: { epoch, last } }: FeedState): Position | undefined {
  return last === undefined ? undefined : { epoch, offset: last };
}
