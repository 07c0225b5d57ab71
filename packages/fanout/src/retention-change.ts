import type { Channel, Retention } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import type { ResetReason } from "./observer.ts";
import type { Writer } from "./writer.ts";

export interface RetentionChangeParts {
  readonly retention: (channel: Channel) => Retention;
  /** Compares the channels of a partition with the broker. */
  doubt(partition: number): void;
  tell(writer: Writer, channel: Channel, reason: ResetReason): void;
}

/**
 * Goes by what the rules say now of channels that have subscribers here. Called after the rules have changed.
 *
 * A channel that keeps a log from now on is compared with the broker: what is missing by then was in no log, so its subscribers are
 * told `trimmed`, and behind that nothing is missing any more. Of one that keeps none any more, what was held back from
 * slow connections is gone with the log: they are told, and get what comes. The publishers' processes read the rules at
 * moments of their own; what they store meanwhile says by itself whether it is in a log, and a doubt finds out the rest.
 */
export function followRetention(states: Iterable<ChannelState>, parts: RetentionChangeParts): void {
  const doubtful = new Set<number>();
  for (const state of states) {
    const logged = parts.retention(state.channel).count > 0;
    if (!state.ruled || state.logged === logged) continue;
    state.logged = logged;
    if (logged) doubtful.add(state.partition);
    for (const writer of state.members.values()) {
      const { hold } = writer ?? {};
      if (writer === undefined || hold === undefined) continue;
      // From now on its publications are held back, too: without a place from which on they are owed nobody would give them.
      if (logged && state.delivered !== undefined) hold.join(state.channel, state.delivered);
      if (!logged && hold.leave(state.channel)) parts.tell(writer, state.channel, "trimmed");
    }
  }
  for (const partition of doubtful) parts.doubt(partition);
}
