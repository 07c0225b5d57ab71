import type { Channel } from "./channel.ts";
import { limits } from "./limits.ts";
import type { Broker, LogRange, LogSlice } from "./ports/broker.ts";
import type { Publication, Retention } from "./publication.ts";

export interface LivePage {
  /** The channel's newest position. */
  readonly top: LogSlice["top"];
  /** In the order of offsets, whatever the direction; none of them has expired. */
  readonly publications: readonly Publication[];
  /** Whether the log holds more beyond the page, in the direction asked. What remains may all have expired. */
  readonly more: boolean;
  /** About what the broker has read for it, in bytes, whether it is shown or not. */
  readonly readBytes: number;
}

/** What a publication is beside its payload, in the log and in an answer. */
const aroundPayloadBytes = 200;

/**
 * A page of what a log still shows. Expired publications keep their places in it; they are passed over here, so that a page is
 * full, by count or by bytes, unless the log ends, and whoever goes on behind a page's last publication gets to the end.
 */
export async function livePage(
  broker: Pick<Broker, "read">,
  channel: Channel,
  range: LogRange,
  retain: Retention,
): Promise<LivePage> {
  const backward = range.from === "before" || range.from === "end";
  const { limit } = range;
  let slice = await broker.read(channel, range, retain);
  const { top } = slice;
  let found: readonly Publication[] = live(slice);
  let readBytes = weightOf(slice);
  const full = (): boolean => found.length >= limit || bytesOf(found) >= limits.pageBytesMax;
  for (let edge = edgeOf(slice, backward); !full() && edge !== undefined; edge = edgeOf(slice, backward)) {
    const next = { from: backward ? "before" : "after", offset: edge, limit: limits.historyLimitMax } as const;
    slice = await broker.read(channel, next, retain);
    readBytes += weightOf(slice);
    // The log has started over; whoever asks on is told.
    if (slice.top.epoch !== top.epoch) break;
    found = backward ? [...live(slice), ...found] : [...found, ...live(slice)];
  }
  const publications = backward ? found.slice(Math.max(0, found.length - limit)) : found.slice(0, limit);
  const last = backward ? publications[0] : publications.at(-1);
  const more = last !== undefined && (backward ? last.offset > slice.first : last.offset < slice.top.offset);
  return { top, publications, more, readBytes };
}

function weightOf({ payloadBytes, publications }: LogSlice): number {
  return payloadBytes + publications.length * aroundPayloadBytes;
}

function bytesOf(publications: readonly Publication[]): number {
  return publications.reduce((sum, { payload }) => sum + payload.json.length, 0);
}

function live({ publications }: LogSlice): readonly Publication[] {
  return publications.filter(({ expired }) => expired !== true);
}

/** From where on there is more to read; undefined at the end of the log. */
function edgeOf({ publications, first, top }: LogSlice, backward: boolean): number | undefined {
  const offset = publications.at(backward ? 0 : -1)?.offset;
  if (offset === undefined) return undefined;
  return (backward ? offset > first : offset < top.offset) ? offset : undefined;
}
