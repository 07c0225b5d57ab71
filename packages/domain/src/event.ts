import { FanfareError } from "./errors.ts";
import { limits } from "./limits.ts";

declare const brand: unique symbol;

/** The name under which subscribers receive a publication: `socket.on(event, …)`. */
export type EventName = string & { readonly [brand]: "EventName" };

/** What stock clients emit to themselves, in any SDK; a publication of such a name would look like a lost connection. */
const reserved: ReadonlySet<string> = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "error",
  "newListener",
  "removeListener",
]);

/** Prefix of Fanfare's own notices. */
export const noticePrefix = "fanfare:";

export const defaultEvent = "message" as EventName;

/** Throws `EVENT_INVALID`. */
export function eventName(text: unknown): EventName {
  if (
    typeof text !== "string" ||
    text.length === 0 ||
    text.length > limits.eventLengthMax ||
    reserved.has(text) ||
    text.startsWith(noticePrefix) ||
    // Control characters, and halves of surrogate pairs: those have no UTF-8, so the log would hold another name.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
    /[\u0000-\u001f\u007f\p{Surrogate}]/u.test(text)
  ) {
    throw new FanfareError("EVENT_INVALID");
  }
  return text as EventName;
}

export function isEventName(text: unknown): text is EventName {
  try {
    eventName(text);
    return true;
  } catch {
    return false;
  }
}
