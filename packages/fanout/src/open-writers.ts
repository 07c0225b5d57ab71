import type { Socket } from "socket.io";
import { catchUp } from "./catch-up.ts";
import type { ChannelState } from "./channel-state.ts";
import type { Channels } from "./channels.ts";
import type { EncodedEvent } from "./encoded-event.ts";
import type { FanoutParts } from "./fanout-parts.ts";
import type { Item } from "./item.ts";
import type { Lanes } from "./lanes.ts";
import type { LogReader } from "./log-reader.ts";
import type { Receipts } from "./receipts.ts";
import type { Turns } from "./turns.ts";
import { Writers } from "./writers.ts";

export interface OpenWritersParts {
  readonly channels: Channels;
  readonly lanes: Lanes;
  readonly reader: LogReader;
  readonly turns: Turns;
  readonly receipts: Receipts;
  encode(item: Item, bookmark: string): EncodedEvent;
  close(socket: Socket): void;
}

/** The writers of a node, which know from the lanes how far it is, and give slow connections from the logs what they missed. */
export function openWriters(
  { clock, observer, bufferBytesMax, flushMsMax, slow }: FanoutParts,
  { channels, lanes, reader, turns, receipts, encode, close }: OpenWritersParts,
): Writers {
  const statesOf = (socket: Socket): ChannelState[] => [...socket.rooms].flatMap((room) => channels.ofRoom(room) ?? []);
  return new Writers({
    clock,
    observer,
    bufferBytesMax,
    flushMsMax,
    slow,
    seqs: () => lanes.seqs,
    *places(socket) {
      for (const { channel, delivered } of statesOf(socket)) if (delivered !== undefined) yield [channel, delivered];
    },
    flushing: () => receipts.flushing(),
    flushed: () => receipts.flushed(),
    close,
    refill: (writer, hold) =>
      catchUp(writer, hold, {
        reader,
        turns,
        observer,
        portionBytes: bufferBytesMax / 2,
        statesOf,
        slow,
        reach: (bookmark) => lanes.reach(bookmark),
        encode,
        sent: (writer, state, item) => receipts.replayed(writer, state, item),
      }),
  });
}
