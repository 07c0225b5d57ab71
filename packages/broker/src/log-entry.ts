import type { Channel, EventName, Publication, TraceParent } from "@fanfare/domain";
import { expiredPayload } from "./expired.ts";

/** An entry as XRANGE gives it: the id `<offset>-<seq>` and field, value, field, value, … */
export type RawEntry = readonly [id: string, fields: readonly string[]];

/**
 * The fields of an entry: e event, d data as JSON text, p seq of the publication before; where they say something: i id,
 * b "1" for a binary, x session ids left out, t when it expires in ms since 1970, w its W3C traceparent, r "1" where it has a receipt.
 * lua/publish.lua writes them.
 */
export function decodeEntry(channel: Channel, epoch: string, [id, fields]: RawEntry, nowMs: number): Publication {
  const dash = id.indexOf("-");
  let event = "";
  let json = "";
  let previous = 0;
  let name: string | undefined;
  let binary = false;
  let except: string[] | undefined;
  let traceparent: TraceParent | undefined;
  let receipt = false;
  let endsAtMs = Number.POSITIVE_INFINITY;
  for (let at = 0; at < fields.length; at += 2) {
    const value = fields[at + 1] ?? "";
    switch (fields[at]) {
      case "e":
        event = value;
        break;
      case "d":
        json = value;
        break;
      case "p":
        previous = Number(value);
        break;
      case "i":
        name = value;
        break;
      case "b":
        binary = true;
        break;
      case "x":
        except = value.split(",");
        break;
      case "t":
        endsAtMs = Number(value);
        break;
      case "w":
        traceparent = value as TraceParent;
        break;
      case "r":
        receipt = true;
        break;
      // A field that a later version added says nothing to this one.
    }
  }
  return {
    channel,
    event: event as EventName,
    ...(endsAtMs > nowMs ? { payload: { json, binary } } : expiredPayload),
    ...(name === undefined ? {} : { id: name }),
    ...(except === undefined ? {} : { except }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(receipt ? { receipt } : {}),
    epoch,
    offset: Number(id.slice(0, dash)),
    seq: Number(id.slice(dash + 1)),
    previous,
  };
}

/** Of an entry as it is in the log, whether it has expired or not. */
export function payloadLength([, fields]: RawEntry): number {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === "d") return fields[at + 1]?.length ?? 0;
  return 0;
}
