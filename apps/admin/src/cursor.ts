import { FanfareError } from "@fanfare/domain";

/** Which list a cursor is of, so that one of another list is refused and not taken for a place in this one. */
export type CursorKind = "channels" | "connections" | "dead" | "members" | "scheduled" | "unsent" | "users";

/** The opaque form of a place in a list; null at its end. */
export function toCursor(kind: CursorKind, place: string | undefined): string | null {
  return place === undefined ? null : Buffer.from(`${kind} ${place}`).toString("base64url");
}

/** Throws `REQUEST_INVALID`. */
export function fromCursor(kind: CursorKind, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, "base64url").toString();
  // Also refuses what Node's lenient decoder let through.
  if (text.startsWith(`${kind} `) && toCursor(kind, text.slice(kind.length + 1)) === cursor) return text.slice(kind.length + 1);
  throw new FanfareError("REQUEST_INVALID", { errors: [{ path: "/cursor", message: "is not a cursor of this list" }] });
}
