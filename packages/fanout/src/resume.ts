import type { Clock, LogSlice, Position, Seq } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import { type Item, itemOfPublication } from "./item.ts";
import type { LogReader } from "./log-reader.ts";
import type { ResetReason } from "./observer.ts";
import { pause } from "./pause.ts";

/** A channel of a session, and where it stood when the session subscribed to it. */
export interface Membership {
  readonly state: ChannelState;
  readonly joined: Position;
}

export interface Missed {
  /** In the order of seqs, over all channels; up to what this node has delivered when the promise resolves. */
  readonly items: readonly Item[];
  /** Channels of which not everything can be given. */
  readonly resets: readonly { readonly state: ChannelState; readonly reason: ResetReason }[];
}

/** How long a session that has heard more elsewhere waits for this node to get there. */
const lagPatienceMs = 2_000;
const lagPollMs = 5;

/**
 * What a session has missed in all its channels since its bookmark.
 *
 * One number is enough for all channels, because every node delivers in the order of seqs (see Lane): a session that has
 * heard the publication of that seq has heard everything before it. It says nothing of the time before the session
 * subscribed to a channel; the position kept with the membership does.
 *
 * As with {@link replay}, what is delivered while the logs are read is captured, and the caller MUST use the result in the
 * same turn. Undefined when this node stays behind what the session has heard: the client then does better elsewhere.
 */
export async function missedSince(
  memberships: readonly Membership[],
  bookmark: Seq,
  reader: LogReader,
  clock: Clock,
): Promise<Missed | undefined> {
  const reads = memberships.filter(({ state }) => state.logged).map((membership) => ({ ...membership, captured: [] as Item[] }));
  for (const { state, captured } of reads) state.captures.add(captured);
  try {
    const slices = await Promise.all(reads.map(({ state }) => reader.read(state.channel, "afterSeq", bookmark)));
    const lags = (): boolean => reads.some(({ state }, index) => isBehind(state, slices[index]?.top, bookmark));
    for (let waited = 0; lags() && waited < lagPatienceMs; waited += lagPollMs) await pause(lagPollMs, clock);
    if (lags()) return undefined;
    const parts = reads.map((read, index) => missedIn(read, read.captured, slices[index] as LogSlice, bookmark));
    return {
      items: parts.flatMap(({ items }) => items).sort((a, b) => a.seq - b.seq),
      resets: parts.flatMap(({ reason }, index) => {
        const state = reads[index]?.state;
        return state === undefined || reason === undefined ? [] : [{ state, reason }];
      }),
    };
  } finally {
    for (const { state, captured } of reads) state.captures.delete(captured);
  }
}

function missedIn(
  { state, joined }: Membership,
  captured: readonly Item[],
  { top, publications }: LogSlice,
  bookmark: Seq,
): { readonly items: readonly Item[]; readonly reason?: ResetReason } {
  const now = state.delivered;
  // The log started over while it was read: the lane finds out as well, and tells everyone in the channel.
  if (now === undefined || now.epoch !== top.epoch) return { items: [] };
  const sameEpoch = joined.epoch === now.epoch;
  const since = sameEpoch ? joined.offset : 0;
  const unheard = publications.filter(({ offset, seq }) => seq > bookmark && offset > since);
  const items = [
    ...unheard.filter(({ offset }) => offset <= now.offset).map(itemOfPublication),
    ...captured.filter(({ epoch, offset, seq }) => epoch === now.epoch && offset > top.offset && seq > bookmark),
  ];
  if (!sameEpoch) return { items, reason: "epoch_changed" };
  const next = unheard[0];
  // The chain of seqs shows whether anything between the bookmark and the first publication found is gone.
  const complete =
    next === undefined ? top.seq <= bookmark || top.offset <= since : next.previous <= bookmark || next.offset === since + 1;
  return complete ? { items } : { items, reason: "trimmed" };
}

/** Whether the session may have heard publications that this node has yet to deliver. Joined now, it would hear them twice. */
function isBehind({ delivered }: ChannelState, top: LogSlice["top"] | undefined, bookmark: Seq): boolean {
  if (delivered === undefined || top === undefined || delivered.epoch !== top.epoch) return false;
  return delivered.seq < Math.min(bookmark, top.seq);
}
