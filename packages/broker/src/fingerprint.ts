import { hash } from "node:crypto";
import type { Draft } from "@fanfare/domain";

/**
 * What two drafts with the same id have in common exactly when they say the same: 128 bits over everything that a
 * subscriber can tell apart, and over how long it can. Not over the trace context: of a retry it is another one. NUL
 * separates the fields, because it stands in no event name, session id or JSON text.
 */
export function fingerprintOf({ event, payload, except = [], ttlSeconds }: Draft): string {
  const ttl = ttlSeconds === undefined ? "" : `\0${ttlSeconds}`;
  const content = `${event}\0${except.join(",")}\0${payload.json}${ttl}`;
  return hash("sha256", content, "buffer").toString("base64url", 0, 16);
}
