import type { Bookmark, Position, Seq } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import { type Item, isContiguous, itemOfPublication, unbroken } from "./item.ts";
import type { LogReader, LogRest } from "./log-reader.ts";
import type { ResetReason } from "./observer.ts";

/** A channel of a session, where it stood when the session subscribed to it, and what it has heard of its partition. */
export interface Membership {
  readonly state: ChannelState;
  readonly joined: Position;
  readonly heard: Seq;
}

interface MissedItem {
  readonly state: ChannelState;
  readonly item: Item;
}

export interface Missed {
  /** In the order of seqs within each partition; up to what this node has delivered when the promise resolves. */
  readonly items: readonly MissedItem[];
  /** Channels of which not everything can be given. */
  readonly resets: readonly { readonly state: ChannelState; readonly reason: ResetReason }[];
}

/**
 * What a session has missed in all its channels since its bookmark.
 *
 * One number is enough for all channels of a partition, because every node delivers in the order of seqs (see Lane): a session that has
 * heard the publication of that seq has heard everything before it. It says nothing of the time before the session
 * subscribed to a channel; the position kept with the membership does.
 *
 * As with {@link replay}, what is delivered while the logs are read is captured, and the caller MUST use the result in the
 * same turn. Before that the lanes have to get as far as anything that was read: with a publication sent from a log before an
 * older one of another channel was heard, the bookmark of the first would claim the second. `reach` waits for that and says
 * whether they got there; if not, there is no answer (undefined), and the client does better elsewhere.
 */
export async function missedSince(
  memberships: readonly Membership[],
  reader: LogReader,
  reach: (bookmark: Bookmark) => Promise<boolean>,
): Promise<Missed | undefined> {
  const reads = memberships.filter(({ state }) => state.logged).map((membership) => ({ ...membership, captured: [] as Item[] }));
  for (const { state, captured } of reads) state.captures.add(captured);
  try {
    const slices = await Promise.all(reads.map(({ state, heard }) => reader.read(state.channel, "afterSeq", heard)));
    const seqs: Seq[] = [];
    reads.forEach(({ state: { partition } }, index) => {
      seqs[partition] = Math.max(seqs[partition] ?? 0, slices[index]?.top.seq ?? 0);
    });
    if (!(await reach({ seqs }))) return undefined;
    const parts = reads.map((read, index) => ({
      state: read.state,
      ...missedIn(read, read.captured, slices[index] as LogRest),
    }));
    return {
      items: parts.flatMap(({ state, items }) => items.map((item) => ({ state, item }))).sort((a, b) => a.item.seq - b.item.seq),
      resets: parts.flatMap(({ state, reason }) => (reason === undefined ? [] : [{ state, reason }])),
    };
  } finally {
    for (const { state, captured } of reads) state.captures.delete(captured);
  }
}

function missedIn(
  { state, joined, heard }: Membership,
  captured: readonly Item[],
  { top, publications }: LogRest,
): { readonly items: readonly Item[]; readonly reason?: ResetReason } {
  const now = state.delivered;
  if (now === undefined) return { items: [] };
  const live = captured.filter(({ epoch, seq }) => epoch === now.epoch && seq > heard);
  // What a session that is told to reload gets after that has no further hole, up to where live delivery takes over.
  const told = (items: readonly Item[], reason: ResetReason) => ({
    items: items.at(-1)?.offset === now.offset ? unbroken(items) : [],
    reason,
  });
  // The log started over while it was read: the room was told, and this session was not in it yet.
  if (top.epoch !== now.epoch) return told(live, "epoch_changed");
  const sameEpoch = joined.epoch === now.epoch;
  const since = sameEpoch ? joined.offset : 0;
  const unheard = publications.filter(({ offset, seq }) => seq > heard && offset > since);
  const items = [
    ...unheard.filter(({ offset }) => offset <= now.offset).map(itemOfPublication),
    ...live.filter(({ offset }) => offset > top.offset),
  ];
  if (!sameEpoch) return told(items, "epoch_changed");
  const [next] = items;
  const last = items.at(-1)?.offset ?? 0;
  // The chain of seqs shows whether anything between the bookmark and the first publication found is gone.
  const complete =
    next === undefined
      ? top.seq <= heard || top.offset <= since
      : (next.previous <= heard || next.offset === since + 1) && isContiguous(items);
  // The lane may have skipped what was trimmed meanwhile: it told the room, and this session was not in it yet.
  const skipped = now.offset > Math.max(top.offset, last);
  return complete && !skipped ? { items } : told(items, "trimmed");
}
