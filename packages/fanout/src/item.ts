import { type Announcement, argumentsText, formatBookmark, type Publication } from "@fanfare/domain";

/** A publication on its way to a channel's subscribers: heard live, or read from the log; one looks like the other. */
export interface Item extends Omit<Announcement, "args"> {
  /** The arguments of the event, as JSON text. */
  readonly args: string;
  /** Nobody gets it any more; it is there so that those around it have no hole between them. */
  readonly expired?: boolean;
}

export function itemOfAnnouncement(announcement: Announcement): Item {
  const { args } = announcement;
  return { ...announcement, args: Buffer.from(args.buffer, args.byteOffset, args.byteLength).toString() };
}

const firstString = /"(?:[^"\\]|\\.)*"/;

/** Only channels that keep a log have anything to read, so the item has a bookmark. */
export function itemOfPublication(publication: Publication): Item {
  const { epoch, offset, seq, previous, payload, except = [], expired = false } = publication;
  const args = argumentsText(publication, publication, formatBookmark({ seqs: [seq] }));
  return { epoch, offset, seq, previous, except, binary: payload.binary, logged: true, args, expired };
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
