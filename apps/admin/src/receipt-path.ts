import type { Channel, Position } from "@fanfare/domain";

/** Where a receipt is read. With the epoch, because the offset may be given out again in another one. */
export function receiptPath({ channel, epoch, offset }: Position & { readonly channel: Channel }): string {
  return `/v1/publications/${encodeURIComponent(channel)}/${offset}?epoch=${epoch}`;
}
