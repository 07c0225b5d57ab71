import type { Channel } from "@fanfare/domain";
import { type EncodedEvent, encodeText } from "./encoded-event.ts";
import type { ResetReason } from "./observer.ts";

/** What subscribers are told who must reload from their source of truth. */
export function resetNotice(channel: Channel, reason: ResetReason): EncodedEvent {
  return encodeText(JSON.stringify(["fanfare:reset", { channel, reason }]));
}
