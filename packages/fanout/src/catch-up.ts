import type { Bookmark, Channel } from "@fanfare/domain";
import type { Socket } from "socket.io";
import type { ChannelState } from "./channel-state.ts";
import type { EncodedEvent } from "./encoded-event.ts";
import type { Hold } from "./hold.ts";
import { eventOf, type Item, isFor } from "./item.ts";
import type { LogReader } from "./log-reader.ts";
import { resetNotice } from "./notices.ts";
import type { FanoutObserver } from "./observer.ts";
import { type Missed, missedSince } from "./resume.ts";
import type { SlowRule } from "./slow-rule.ts";
import type { Turns } from "./turns.ts";
import type { Writer } from "./writer.ts";

export interface CatchUpParts {
  readonly reader: LogReader;
  readonly turns: Turns;
  readonly observer: FanoutObserver;
  /** How much one round may send: the connection has to take it before the next. */
  readonly portionBytes: number;
  statesOf(socket: Socket): readonly ChannelState[];
  slow(channel: Channel): SlowRule;
  reach(bookmark: Bookmark): Promise<boolean>;
  encode(item: Item, bookmark: string): EncodedEvent;
  /** Called for every publication with a receipt that was sent. */
  sent(writer: Writer, state: ChannelState, item: Item): void;
}

/**
 * Sends a connection that has drained what was held back, in the order of seqs, as a session that comes back is sent what it
 * has missed. More than a portion is sent in several rounds; until the last one it stays held back, and its bookmarks
 * claim no more than it was sent. Of channels whose rule is `latest`, only the newest of each event is sent.
 */
export function catchUp(writer: Writer, hold: Hold, parts: CatchUpParts): Promise<void> {
  const { socket } = writer;
  const states = parts.statesOf(socket);
  const channels = states.map(({ channel }) => channel);
  return parts.turns.take(socket, channels, async () => {
    const { joins } = hold;
    const memberships = states.flatMap((state) => {
      const joined = hold.owed.get(state.channel);
      return joined === undefined ? [] : [{ state, joined, heard: hold.seqs[state.partition] ?? 0 }];
    });
    const missed = await missedSince(memberships, parts.reader, parts.reach);
    // This node is behind what the logs say, or the socket has joined a channel that was not asked for: another round.
    if (missed === undefined || hold.joins !== joins) return;
    if (writer.doomed || !socket.connected) return;
    // From here nothing is awaited: what is delivered next must find the connection where this leaves it.
    if (!sendPortion(writer, hold, missed, parts)) return;
    writer.hold = undefined;
    for (const encoded of hold.kept()) writer.send(encoded, true);
    parts.observer.slow("caught_up");
  });
}

/** Whether that was all. */
function sendPortion(writer: Writer, hold: Hold, { items, resets }: Missed, parts: CatchUpParts): boolean {
  const { socket } = writer;
  for (const { state, reason } of resets) {
    parts.observer.reset(reason);
    writer.send(resetNotice(state.channel, reason), true);
    const first = items.find((missed) => missed.state === state)?.item;
    const owed = first === undefined ? state.delivered : { epoch: first.epoch, offset: first.offset - 1 };
    if (owed !== undefined) hold.owed.set(state.channel, owed);
  }
  const outdated = outdatedOf(items, parts.slow);
  let bytes = 0;
  let count = 0;
  for (const { state, item } of items) {
    if (bytes >= parts.portionBytes) break;
    count++;
    hold.seqs[state.partition] = item.seq;
    hold.owed.set(state.channel, { epoch: item.epoch, offset: item.offset });
    if (outdated.has(item) || !isFor(item, socket.id) || !socket.rooms.has(state.room)) continue;
    const encoded = parts.encode(item, hold.bookmark);
    bytes += encoded.frame.length;
    writer.send(encoded, true);
    if (item.receipt) parts.sent(writer, state, item);
  }
  if (count > 0) parts.observer.replayed(count - outdated.size);
  hold.countedBytes = 0;
  return count === items.length;
}

/** Items of `latest` channels behind which there is a newer one of the same event. */
function outdatedOf(items: Missed["items"], slow: CatchUpParts["slow"]): ReadonlySet<Item> {
  const outdated = new Set<Item>();
  const newest = new Map<string, Item>();
  for (const { state, item } of items) {
    if (slow(state.channel) !== "latest") continue;
    const name = `${state.channel} ${eventOf(item)}`;
    const older = newest.get(name);
    if (older !== undefined) outdated.add(older);
    newest.set(name, item);
  }
  return outdated;
}
