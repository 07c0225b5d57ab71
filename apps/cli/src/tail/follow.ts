import { channel, type Publication, type Refusal } from "@fanfare/client";
import type { Position } from "@fanfare/domain";
import { io } from "socket.io-client";
import { Failure } from "../failure.ts";
import { printable } from "./printable.ts";

export interface FollowOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly channels: readonly string[];
  /** Where every channel starts, instead of now. */
  readonly since: Position | undefined;
  /** How many of the last publications every channel starts with. */
  readonly rewind: number | undefined;
  readonly onPublication: (publication: Publication) => void;
  readonly onNotice: (text: string) => void;
}

export interface Following {
  /** Rejects with a {@link Failure} when going on makes no sense: a refusal that no retry will change. */
  readonly failed: Promise<never>;
  close(): void;
}

/** Follows channels across reconnects, each publication once. */
export function follow({ url, token, channels, since, rewind, onPublication, onNotice }: FollowOptions): Following {
  const socket = io(url, { auth: token === undefined ? {} : { token } });
  let fail: (failure: Failure) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = (failure) => {
      socket.disconnect();
      reject(failure);
    };
  });

  for (const name of new Set(channels)) {
    const followed = channel(socket, name, {
      since,
      rewind,
      onReset: ({ reason }) => onNotice(`${name}: what was published before now may be missing (${reason})`),
      onState(state, refusal) {
        if (refusal === undefined) return;
        if (state === "refused") fail(new Failure(`${name}: ${refusal.message}`, { code: refusal.code }));
        else onNotice(`${name}: ${refusal.message} (${refusal.code}); trying again`);
      },
    });
    followed.on("*", (data, context) => onPublication(printable(data, context)));
  }

  socket.on("connect", () => onNotice(`connected as ${socket.id}${socket.recovered ? ", session recovered" : ""}`));
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

  socket.onAny((event: string, notice: unknown) => {
    // That it is connected has been said.
    if (event.startsWith("fanfare:") && event !== "fanfare:welcome") onNotice(`${event} ${JSON.stringify(notice)}`);
  });

  return { failed, close: () => socket.disconnect() };
}

function refusalIn(error: Error): Partial<Refusal> {
  const data: unknown = "data" in error ? error.data : undefined;
  return typeof data === "object" && data !== null ? data : {};
}
