import { type Channel, isChannelName } from "@fanfare/domain";

/**
 * Whether a text is a channel's name or `prefix:*`, all channels that begin with `prefix:`. The star means something only
 * behind a colon at the end: it is no letter of channel names, so a pattern is never a name too.
 */
export function isPattern(text: unknown): text is string {
  return isChannelName(text) || (typeof text === "string" && text.endsWith(":*") && isChannelName(text.slice(0, -1)));
}

/** Whether one of the patterns covers the channel. */
export function covers(patterns: readonly string[], channel: Channel): boolean {
  return patterns.some((pattern) => (pattern.endsWith(":*") ? channel.startsWith(pattern.slice(0, -1)) : pattern === channel));
}
