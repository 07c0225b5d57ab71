import { isUtf8 } from "node:buffer";
import { type Announcement, argumentsText, formatBookmark, type Publication, type Seq } from "@fanfare/domain";
import { HeardEvent } from "./encoded-event.ts";

/** A publication on its way to a channel's subscribers: heard live, or read from the log; one looks like the other. */
export interface Item extends Omit<Announcement, "args"> {
  /** The arguments of the event, as JSON text. */
  readonly args: string;
  /** Nobody gets it any more; it is there so that those around it have no hole between them. */
  readonly expired?: boolean;
  /** With the bookmark that it was announced with, ready to be written. Only of what was heard live. */
  readonly event?: HeardEvent | undefined;
}

/** Heard live. It keeps nothing of the message, which may be a piece of far more that was read at once. */
class HeardItem implements Item {
  readonly epoch: string;
  readonly offset: number;
  readonly seq: Seq;
  readonly previous: Seq;
  readonly except: readonly string[];
  readonly binary = false;
  readonly logged: boolean;
  readonly receipt: boolean;
  readonly event: HeardEvent;

  constructor({ epoch, offset, seq, previous, except, logged, receipt, args }: Announcement) {
    this.epoch = epoch;
    this.offset = offset;
    this.seq = seq;
    this.previous = previous;
    this.except = except;
    this.logged = logged;
    this.receipt = receipt;
    this.event = new HeardEvent(args);
  }

  get args(): string {
    return this.event.args;
  }
}

export function itemOfAnnouncement(announcement: Announcement): Item {
  const { args, binary } = announcement;
  // A client may leave at bytes that are no text. Made a text here, they become one.
  if (!binary && isUtf8(args)) return new HeardItem(announcement);
  return { ...announcement, args: Buffer.from(args.buffer, args.byteOffset, args.byteLength).toString() };
}

const firstString = /"(?:[^"\\]|\\.)*"/;

/** Only channels that keep a log have anything to read, so the item has a bookmark. */
export function itemOfPublication(publication: Publication): Item {
  const { epoch, offset, seq, previous, payload, except = [], expired = false, receipt = false } = publication;
  const args = argumentsText(publication, publication, formatBookmark({ seqs: [seq] }));
  return { epoch, offset, seq, previous, except, binary: payload.binary, logged: true, args, expired, receipt };
}

/** Whether a session of this id is to get it. */
export function isFor({ except, expired = false }: Item, id: string): boolean {
  return !expired && !except.includes(id);
}

/** The name of the event, as JSON text: the first of the arguments. */
export function eventOf({ args }: Item): string {
  return firstString.exec(args)?.[0] ?? "";
}

/** Whether nothing is missing between the items of one channel and epoch. */
export function isContiguous(items: readonly Item[]): boolean {
  return unbroken(items).length === items.length;
}

/** What comes behind the last hole. */
export function unbroken(items: readonly Item[]): readonly Item[] {
  let start = 0;
  items.forEach(({ offset }, index) => {
    if (index > 0 && offset !== (items[index - 1]?.offset ?? 0) + 1) start = index;
  });
  return items.slice(start);
}
