import { asFanfareError, type ErrorBody, FanfareError } from "@fanfare/domain";
import { echo } from "./handlers/echo.ts";
import type { Handler } from "./handlers/handler.ts";
import { history } from "./handlers/history.ts";
import { publish } from "./handlers/publish.ts";
import { subscribe } from "./handlers/subscribe.ts";
import { unsubscribe } from "./handlers/unsubscribe.ts";
import { whoami } from "./handlers/whoami.ts";
import type { GatewayParts } from "./parts.ts";
import type { ClientSocket } from "./session.ts";

/** A map, so that no event name reaches into an object's prototype. */
const handlers: ReadonlyMap<string, Handler> = new Map(
  Object.entries({ subscribe, unsubscribe, publish, history, whoami, echo }),
);

type Answer = { readonly ok: true; readonly [field: string]: unknown } | { readonly ok: false; readonly error: ErrorBody };

/** Answers everything that the socket's client asks. Nothing that a client sends makes this throw. */
export function answerRequests(socket: ClientSocket, parts: GatewayParts): void {
  socket.onAny((event: string, ...args: unknown[]) => void answer(socket, parts, event, args));
}

async function answer(socket: ClientSocket, parts: GatewayParts, event: string, args: unknown[]): Promise<void> {
  const last = args.at(-1);
  const ack = typeof last === "function" ? (last as (answer: Answer) => void) : undefined;
  const request = args.length > (ack === undefined ? 0 : 1) ? args[0] : undefined;
  const handler = handlers.get(event);
  const label = handler === undefined ? "unknown" : event;
  try {
    if (handler === undefined) throw new FanfareError("UNKNOWN_EVENT");
    const result = await handler({ ...parts, socket }, request);
    parts.metrics.requests.inc({ request: label, outcome: "ok" });
    ack?.({ ok: true, ...result });
  } catch (thrown) {
    const error = asFanfareError(thrown);
    parts.metrics.requests.inc({ request: label, outcome: error.code });
    if (error.band === "bug") parts.log.error({ err: thrown, request: label }, "request failed");
    ack?.({ ok: false, error: error.toBody() });
  }
}
