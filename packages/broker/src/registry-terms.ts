import { randomBytes } from "node:crypto";
import type { ConnectionQuery, ConnectionRecord } from "@fanfare/domain";

/** What both registries mean alike. */

/** A name for a batch that no other one has. */
export function newStamp(): string {
  return randomBytes(9).toString("base64url");
}

export function matches(record: ConnectionRecord, { user, channel, node, order }: ConnectionQuery): boolean {
  return (
    (user === undefined || record.user === user) &&
    (channel === undefined || record.channels.includes(channel)) &&
    (node === undefined || record.node === node) &&
    (order !== "unsent" || record.unsentBytes > 0)
  );
}

const digits = 16;

/** Where a connection stands in the list of those with unsent bytes: by name, and the more bytes the earlier. */
export function placeOf(unsentBytes: number, id: string): string {
  return `${String(1e15 - unsentBytes).padStart(digits, "0")} ${id}`;
}

export function idOfPlace(place: string): string {
  return place.slice(digits + 1);
}
