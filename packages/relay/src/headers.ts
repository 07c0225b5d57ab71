import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { secretHeader } from "./peer.ts";

/** Meaningful for one hop only (RFC 9110 §7.6.1); Node sets its own. Beside them: what only peers may say. */
const hopHeaders: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  secretHeader,
]);

/**
 * The headers under which a request goes on to its owner: the client's own, where it came from, and the secret.
 *
 * Only a post goes on with its body, so only a post may announce one. The connection to the owner is shared: bytes that are
 * announced and never sent would be cut off the beginning of the next client's request, and what is left of that one read as
 * a request of this node's, with the secret in it.
 */
export function forwardedHeaders(request: IncomingMessage, secret: string): OutgoingHttpHeaders {
  const named = namedHopHeaders(request.headers.connection);
  if (request.method !== "POST") named.add("content-length");
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (!hopHeaders.has(name) && !named.has(name)) headers[name] = value;
  }
  const { remoteAddress = "unknown" } = request.socket;
  headers["x-forwarded-for"] = [request.headers["x-forwarded-for"] ?? [], remoteAddress].flat().join(", ");
  headers["x-real-ip"] ??= remoteAddress;
  headers[secretHeader] = secret;
  return headers;
}

/** Node's flat list of names and values, without those of one hop. */
export function endToEnd(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => !hopHeaders.has(String(rawHeaders[at - (at % 2)]).toLowerCase()));
}

/** `Connection: close, x-foo` makes x-foo a header of one hop. */
function namedHopHeaders(connection = ""): Set<string> {
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}
