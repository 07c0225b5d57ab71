import { formatPosition, type Position } from "@fanfare/domain";
import { io } from "socket.io-client";
import { Failure } from "../failure.ts";
import { type Received, receivedOf } from "./received.ts";

export interface FollowOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly channels: readonly string[];
  /** Where every channel starts, instead of now. */
  readonly since: Position | undefined;
  /** How many of the last publications every channel starts with. */
  readonly rewind: number | undefined;
  readonly onPublication: (publication: Received) => void;
  readonly onNotice: (text: string) => void;
}

export interface Following {
  /** Rejects with a {@link Failure} when going on makes no sense: a refusal that no retry will change. */
  readonly failed: Promise<never>;
  close(): void;
}

/** What a server says no with: in an ack, or as the data of a refused connection. */
interface Refusal {
  readonly code: string;
  readonly message: string;
  /** Only where trying again can help. */
  readonly retryAfterMs?: number;
}

type SubscribeAnswer =
  | { readonly ok: true; readonly epoch: string; readonly offset: number; readonly recovered: boolean }
  | { readonly ok: false; readonly error: Refusal };

/**
 * Follows channels with the stock client, across reconnects, each publication once. The server restores a session by itself
 * when it can; where it cannot, every channel is subscribed again from the position reached.
 */
export function follow({ url, token, channels, since, rewind, onPublication, onNotice }: FollowOptions): Following {
  const reached = new Map<string, Position>();
  const socket = io(url, { auth: token === undefined ? {} : { token } });
  let fail: (failure: Failure) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = (failure) => {
      socket.disconnect();
      reject(failure);
    };
  });

  const subscribe = (channel: string): void => {
    const from = reached.get(channel) ?? since;
    const start = from === undefined ? { rewind } : { since: { epoch: from.epoch, offset: from.offset } };
    socket.emit("subscribe", { channel, ...start }, (answer: SubscribeAnswer) => {
      if (!answer.ok) {
        refused(channel, answer.error);
        return;
      }
      if (from !== undefined && !answer.recovered)
        onNotice(`${channel}: the log no longer reaches back to ${formatPosition(from)}`);
      // What was replayed has come before this answer. The position of an idle channel is worth keeping too.
      advance(channel, answer);
    });
  };

  const refused = (channel: string, { code, message, retryAfterMs }: Refusal): void => {
    if (retryAfterMs === undefined) {
      fail(new Failure(`${channel}: ${message}`, { code }));
      return;
    }
    onNotice(`${channel}: ${message} (${code}); trying again`);
    setTimeout(() => socket.connected && subscribe(channel), retryAfterMs);
  };

  /** Whether this position is new. */
  const advance = (channel: string, { epoch, offset }: Position): boolean => {
    const last = reached.get(channel);
    if (last !== undefined && last.epoch === epoch && offset <= last.offset) return false;
    reached.set(channel, { epoch, offset });
    return true;
  };

  socket.on("connect", () => {
    onNotice(`connected as ${socket.id}${socket.recovered ? ", session recovered" : ""}`);
    if (!socket.recovered) for (const channel of channels) subscribe(channel);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io server disconnect") fail(new Failure("The server has ended the connection for good."));
    else if (reason !== "io client disconnect") onNotice(`connection lost (${reason}); reconnecting`);
  });

  let lastError = "";
  socket.on("connect_error", (error) => {
    if (error.message !== lastError) onNotice(`cannot connect to ${url}: ${error.message}; trying on`);
    lastError = error.message;
    // Active: nobody answered, and the client tries again by itself. Else the server has answered, and said no.
    if (socket.active) return;
    const { code, retryAfterMs } = refusalIn(error);
    if (retryAfterMs === undefined) fail(new Failure(error.message, { code }));
    else setTimeout(() => socket.connect(), retryAfterMs);
  });

  socket.onAny((event: string, ...args: unknown[]) => {
    if (event.startsWith("fanfare:")) {
      onNotice(`${event} ${JSON.stringify(args[0])}`);
      return;
    }
    const received = receivedOf(event, args);
    if (received !== undefined && advance(received.channel, received)) onPublication(received);
  });

  return { failed, close: () => socket.disconnect() };
}

function refusalIn(error: Error): Partial<Refusal> {
  const data: unknown = "data" in error ? error.data : undefined;
  return typeof data === "object" && data !== null ? data : {};
}
