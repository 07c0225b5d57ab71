import { type Clock, type Position, pause } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import { type Item, isContiguous, itemOfPublication } from "./item.ts";
import type { LogReader } from "./log-reader.ts";

export interface ReplayOptions {
  /** Replay what came after this position. */
  readonly since?: Position | undefined;
  /** Replay the last n publications, when there is no `since` or it cannot be honoured. */
  readonly rewind?: number | undefined;
}

export interface Replay {
  /** Whether `items` is everything that came after `since`. */
  readonly recovered: boolean;
  /** Up to what this node has delivered when the promise resolves; what follows reaches the room. */
  readonly items: readonly Item[];
}

const nothing: Replay = { recovered: false, items: [] };

/** How long a client that has heard more elsewhere waits for this node to get there. */
const lagPatienceMs = 1_000;
const lagPollMs = 5;

/**
 * What a subscriber has missed, read from the log while publishing goes on.
 *
 * No marker is needed to join the log to live delivery: offsets have no holes. What is delivered while the log is read is
 * captured; the read covers everything up to its top, the captured part everything delivered since, and both know their
 * offsets. The caller MUST use the result in the same turn, before anything else is delivered.
 */
export async function replay(state: ChannelState, reader: LogReader, clock: Clock, options: ReplayOptions): Promise<Replay> {
  const { since, rewind } = options;
  const start = state.delivered;
  if (start === undefined) return nothing;
  const wanted = since?.epoch === start.epoch ? since.offset : undefined;
  const from = wanted ?? (rewind === undefined ? undefined : Math.max(0, start.offset - rewind));
  if (from === undefined) return nothing;

  const captured: Item[] = [];
  state.captures.add(captured);
  try {
    const { top, first, publications } = await reader.read(state.channel, "after", from);
    // A client that comes from another node may have heard more than this node has; joined now, it would hear it twice.
    for (let waited = 0; waited < lagPatienceMs && isBehind(state, from, top); waited += lagPollMs) await pause(lagPollMs, clock);
    const now = state.delivered;
    if (now === undefined || now.epoch !== top.epoch || now.epoch !== start.epoch || from > now.offset) return nothing;

    const read = publications.filter(({ offset }) => offset > from && offset <= now.offset).map(itemOfPublication);
    const items = [...read, ...captured.filter(({ epoch, offset }) => epoch === now.epoch && offset > top.offset)];
    // The lane may have skipped what was trimmed meanwhile.
    const skipped = now.offset > Math.max(top.offset, items.at(-1)?.offset ?? 0);
    const complete = first <= from + 1 && isContiguous(items) && !skipped;
    if (!complete && rewind === undefined) return nothing;
    const recovered = wanted !== undefined && complete;
    return { recovered, items: recovered || rewind === undefined ? items : items.slice(-rewind) };
  } finally {
    state.captures.delete(captured);
  }
}

function isBehind({ delivered }: ChannelState, offset: number, top: Position): boolean {
  return delivered !== undefined && delivered.epoch === top.epoch && delivered.offset < offset && offset <= top.offset;
}
