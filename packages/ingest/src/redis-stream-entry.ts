import { type Draft, FanfareError } from "@fanfare/domain";
import { draftOf, draftOfEnvelope } from "./draft.ts";

/** One entry as XREADGROUP gives it: its id, and names and values in turn. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: readonly string[];
}

/**
 * The publication that an entry stands for: fields `channel`, `data` (JSON) and perhaps `event` and `id`, or one field
 * `message` with a JSON envelope of the same names. Throws an error of the band `caller`.
 */
export function draftOfEntry({ id, fields }: StreamEntry, stream: string): Draft {
  const byName = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) byName.set(fields[at] ?? "", fields[at + 1] ?? "");
  // Of a stream that is lost and begun anew the ids do not come back: they begin with the time.
  const fallbackId = `${stream}.${id}`;
  const message = byName.get("message");
  if (message !== undefined) return draftOfEnvelope(message, { id: fallbackId });
  const channel = byName.get("channel");
  const json = byName.get("data");
  if (channel === undefined || json === undefined) {
    const missing = channel === undefined ? "/channel" : "/data";
    throw new FanfareError("REQUEST_INVALID", { errors: [{ path: missing, message: "is missing" }] });
  }
  return draftOf({ channel, event: byName.get("event"), id: byName.get("id") ?? fallbackId, json });
}
