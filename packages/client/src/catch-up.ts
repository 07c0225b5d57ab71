import type { ResetReason, Start } from "./continuity.ts";
import { pagesOf } from "./history.ts";
import type { Publication } from "./publication.ts";
import type { Patience } from "./request.ts";
import { RequestError } from "./request-error.ts";
import type { StockSocket } from "./stock-socket.ts";

/**
 * Gives a listener what its subscription is past already: everything since a position, or the last few. The caller holds
 * back what comes live meanwhile; offsets join the two. Resolves with the reason when the log cannot give it.
 */
export async function catchUp(
  socket: StockSocket,
  channel: string,
  { since, rewind }: Start,
  patience: Patience,
  deliver: (publication: Publication) => void,
): Promise<ResetReason | undefined> {
  try {
    if (since !== undefined) {
      let next = since.offset + 1;
      for await (const { publications, offset } of pagesOf(socket, channel, { since }, patience)) {
        // The log of a channel has no holes; one between two pages, or before the first, has been trimmed away.
        if ((publications[0]?.offset ?? offset + 1) > next) return "trimmed";
        if (offset < since.offset) return "diverged";
        for (const publication of publications) deliver(publication);
        next = (publications.at(-1)?.offset ?? offset) + 1;
      }
    } else if (rewind !== undefined) {
      const newest: Publication[] = [];
      for await (const page of pagesOf(socket, channel, { limit: rewind, reverse: true }, patience)) {
        newest.push(...page.publications);
      }
      for (const publication of newest.reverse()) deliver(publication);
    }
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof RequestError)) throw thrown;
    return thrown.code === "EPOCH_CHANGED" ? "epoch_changed" : "unreadable";
  }
}
