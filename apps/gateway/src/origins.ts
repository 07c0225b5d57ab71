import type { IncomingMessage } from "node:http";

/**
 * Whether a request wants its answers as scripts (`?j=`, which no client of Socket.IO 3 or later does). A page of any origin may
 * run a script from here, and for that a browser says no Origin: it could open a session in its visitor's network and hear.
 */
export function wantsScript({ url = "" }: IncomingMessage): boolean {
  const query = url.indexOf("?");
  return query !== -1 && new URLSearchParams(url.slice(query + 1)).has("j");
}

/**
 * Whether a page of this request's origin may connect. CORS headers alone would not do: browsers do not apply them to
 * websockets. A request without an Origin comes from no page and is judged by its token.
 *
 * `allowed`: origins (`https://app.example`), or `*`. A page served from the very host it connects to is always allowed.
 */
export function originAllowed({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return true;
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // To the letter what a browser sends: with a path, a user or another scheme it comes from something else.
  return page.origin === origin && /^https?:$/.test(page.protocol) && page.host === host;
}
