import type { TrustedProxies } from "@fanfare/access";
import type { GatewayParts } from "../parts.ts";
import type { ClientSocket } from "../session.ts";
import type { TokenWatch } from "../watch-tokens.ts";

/** What every handler works with. One for all requests: it is not to be made anew for each. */
export interface HandlerParts extends GatewayParts {
  readonly tokenWatch: TokenWatch;
  /** Whose X-Forwarded-For is believed. */
  readonly trusted: TrustedProxies;
}

/**
 * Answers one request. What it resolves with is sent as the ack, with `ok: true` added; what it throws becomes
 * `{ ok: false, error }`. The request is whatever the client sent: the handler validates it.
 */
export type Handler = (socket: ClientSocket, parts: HandlerParts, request: unknown) => Promise<Readonly<Record<string, unknown>>>;
