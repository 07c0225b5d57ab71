import { asFanfareError, type clientRequests, type ErrorBody, FanfareError } from "@fanfare/domain";
import type { Socket } from "socket.io";
import { echo } from "./handlers/echo.ts";
import type { Handler, HandlerParts } from "./handlers/handler.ts";
import { history } from "./handlers/history.ts";
import { presence } from "./handlers/presence.ts";
import { publish } from "./handlers/publish.ts";
import { refresh } from "./handlers/refresh.ts";
import { subscribe } from "./handlers/subscribe.ts";
import { unsubscribe } from "./handlers/unsubscribe.ts";
import { whoami } from "./handlers/whoami.ts";
import { refusal } from "./intake.ts";
import type { Arriving, Counted } from "./lean/intake.ts";
import { hearAny } from "./lean/socket.ts";
import type { ClientSocket } from "./session.ts";

/** One for each request that the AsyncAPI document lists. */
const listed: Readonly<Record<keyof typeof clientRequests, Handler>> = {
  subscribe,
  unsubscribe,
  publish,
  history,
  presence,
  whoami,
  refresh,
  echo,
};
/** A map, so that no event name reaches into an object's prototype. */
const handlers: ReadonlyMap<string, Handler> = new Map(Object.entries(listed));

type Answer = { readonly ok: true; readonly [field: string]: unknown } | { readonly ok: false; readonly error: ErrorBody };
type Ack = (answer: Answer) => void;

/** For every socket that it is called with, answers everything that its client asks. Nothing a client sends makes it throw. */
export function answerRequests(parts: HandlerParts): (socket: ClientSocket) => void {
  const listeners = [
    function hear(this: Socket, event: string, ...args: unknown[]): void {
      void answer(this as ClientSocket, parts, event, args);
    },
  ];
  return (socket) => hearAny(socket as Socket, listeners);
}

async function answer(socket: ClientSocket, parts: HandlerParts, event: string, args: unknown[]): Promise<void> {
  const last = args.at(-1);
  const ack = typeof last === "function" ? (last as Ack) : undefined;
  const request = args.length > (ack === undefined ? 0 : 1) ? args[0] : undefined;
  const handler = handlers.get(event);
  const label = handler === undefined ? "unknown" : event;
  try {
    const retryAfterMs = refusal(parts, socket.conn.transport as unknown as Arriving, socket.conn as unknown as Counted);
    if (retryAfterMs > 0) {
      // Thrown, it would cost more than what it refuses.
      refuse(new FanfareError("RATE_LIMITED", { retryAfterMs }), label, parts, ack);
      return;
    }
    if (handler === undefined) throw new FanfareError("UNKNOWN_EVENT");
    const result = await handler(socket, parts, request);
    parts.metrics.requests.inc({ request: label, outcome: "ok" });
    ack?.({ ok: true, ...result });
  } catch (thrown) {
    const error = asFanfareError(thrown);
    if (error.band === "bug") parts.log.error({ err: thrown, request: label }, "request failed");
    refuse(error, label, parts, ack);
  }
}

function refuse(error: FanfareError, request: string, { metrics }: HandlerParts, ack: Ack | undefined): void {
  metrics.requests.inc({ request, outcome: error.code });
  ack?.({ ok: false, error: error.toBody() });
}
