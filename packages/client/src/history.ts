import type { Position } from "@fanfare/domain";
import type { Publication } from "./publication.ts";
import { askPatiently, type Patience } from "./request.ts";
import type { StockSocket } from "./stock-socket.ts";

/** Publications of one answer; a page is one frame that the connection has to take at once. */
const pageMax = 100;

export interface HistoryOptions {
  /** Read on from behind this position, or with `reverse` from before it. Default: the log's beginning, or its end. */
  readonly since?: Position;
  /** At most this many publications. Default: all there are. */
  readonly limit?: number;
  /** Newest first. */
  readonly reverse?: boolean;
}

/** What one page was answered. */
export interface Page {
  readonly publications: readonly Publication[];
  readonly epoch: string;
  /** The newest one's offset when the page was read. */
  readonly offset: number;
  readonly more: boolean;
}

/**
 * Reads the log page by page, up to what was published when the last page was read. What the log forgets meanwhile is left
 * out, as the offsets show. Rejects with a {@link RequestError}; `EPOCH_CHANGED` when the log has started over.
 */
export async function* pagesOf(
  socket: StockSocket,
  channel: string,
  { since, limit = Number.POSITIVE_INFINITY, reverse = false }: HistoryOptions,
  patience: Patience,
): AsyncGenerator<Page, void, undefined> {
  let edge = since;
  for (let left = limit; left > 0; ) {
    const request = {
      channel,
      limit: Math.min(pageMax, left),
      reverse,
      // Of a context, which has more fields, only these two.
      ...(edge === undefined ? {} : { since: { epoch: edge.epoch, offset: edge.offset } }),
    };
    const page = await askPatiently<Page>(socket, "history", request, patience);
    yield page;
    const last = page.publications.at(-1);
    if (!page.more || last === undefined) return;
    edge = { epoch: page.epoch, offset: last.offset };
    left -= page.publications.length;
  }
}
