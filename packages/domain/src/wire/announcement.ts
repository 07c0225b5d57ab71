import { formatBookmark } from "../bookmark.ts";
import { type Position, type Seq, timeOfSeq } from "../position.ts";
import type { Draft } from "../publication.ts";

/*
 * How a stored publication is told to the nodes: a broadcast in the JSON wire of the stock sharded Redis adapter, with one
 * member before the others that a stock node ignores.
 *
 *   {"fanfare":"1:<middle bytes>:<flags>:<except>:<epoch>:<offset>:<seq>:<previous>","uid":"fanfare","nsp":"/","type":3,
 *    "data":{"opts":{…},"packet":{"type":2,"nsp":"/","data":["<event>",<data>,<context>,<bookmark>]}}}
 *
 * The array at the end is, to the byte, what clients receive. A node reads the header, cuts the array out by the length
 * that the header states and writes it into its sockets: the payload is never parsed again. What only the broker knows
 * (epoch, offset, seq, previous) is put between ready-made pieces, so the publish script handles no JSON.
 */

/** Version of the announcement; wire/announcement.test.ts holds it to the format. */
export const announcementVersion = 1;

const opening = `{"fanfare":"`;
const closing = "}}}";

/** The ready-made text around what the broker fills in: head, place, before, data, after, place, tail. */
export interface AnnouncementPieces {
  /** Up to the epoch in the header. */
  readonly head: string;
  /** From the header's closing quote to the data. */
  readonly before: string;
  /** The payload, by itself: the broker is sent it once, for its log and for the announcement. */
  readonly data: string;
  /** From the data to the offset in the context. */
  readonly after: string;
  /** What the context holds behind the time. */
  readonly tail: string;
  /** Whether the channel keeps a log, so that the publication carries a bookmark. */
  readonly logged: boolean;
}

/** A publication's place as the broker gave it. */
export interface Place extends Position {
  readonly seq: Seq;
  readonly previous: Seq;
}

export function announcementPieces(draft: Draft, room: string, logged: boolean): AnnouncementPieces {
  const except = draft.except ?? [];
  const flags = (draft.payload.binary ? "b" : "") + (logged ? "l" : "");
  const opts = JSON.stringify({ rooms: [room], except, flags: {} });
  const lead = `,"uid":"fanfare","nsp":"/","type":3,"data":{"opts":${opts},"packet":{"type":2,"nsp":"/","data":`;
  return {
    head: `${opening}${announcementVersion}:${lead.length}:${flags}:${except.join(",")}:`,
    before: `"${lead}${beforeData(draft)}`,
    data: draft.payload.json,
    after: afterData(draft),
    tail: idTail(draft.id),
    logged,
  };
}

/** The whole announcement. lua/publish.lua does the same concatenation; a test on a real Redis holds the two equal. */
export function announcementText(pieces: AnnouncementPieces, place: Place): string {
  const { head, before, data, after, tail, logged } = pieces;
  const { epoch, offset, seq, previous } = place;
  const context = `${offset},"epoch":"${epoch}","at":${timeOfSeq(seq)}${tail}`;
  const bookmark = logged ? formatBookmark({ seqs: [seq] }) : null;
  return `${head}${epoch}:${offset}:${seq}:${previous}${before}${data}${after}${context}${bookmarkTail(bookmark)}${closing}`;
}

/** The arguments of a publication's event as JSON text, for replays: with its own bookmark the same bytes as announced. */
export function argumentsText(draft: Draft, place: Place, bookmark: string | null): string {
  return beforeData(draft) + draft.payload.json + afterData(draft) + contextTail(draft.id, place) + bookmarkTail(bookmark);
}

/** The same arguments with another bookmark: a replay must not take a client's bookmark back to where it has been. */
export function withBookmark(args: string, bookmark: string | null): string {
  // The last comma is the one before the bookmark, because no bookmark contains one.
  return args.slice(0, args.lastIndexOf(",")) + bookmarkTail(bookmark);
}

function beforeData({ event }: Draft): string {
  return `[${JSON.stringify(event)},`;
}

function afterData({ channel }: Draft): string {
  return `,{"channel":${JSON.stringify(channel)},"offset":`;
}

function contextTail(id: string | undefined, { epoch, offset, seq }: Place): string {
  return `${offset},"epoch":"${epoch}","at":${timeOfSeq(seq)}${idTail(id)}`;
}

function idTail(id: string | undefined): string {
  return id === undefined ? "}" : `,"id":${JSON.stringify(id)}}`;
}

function bookmarkTail(bookmark: string | null): string {
  return bookmark === null ? ",null]" : `,"${bookmark}"]`;
}

/** What a node reads off an announcement. */
export interface Announcement extends Place {
  readonly binary: boolean;
  readonly logged: boolean;
  readonly except: readonly string[];
  /** The arguments array in UTF-8: a view into the message, not a copy. */
  readonly args: Uint8Array;
}

/** Whether a message on a channel's topic is meant to be ours; stock adapters' and emitters' are not. */
export function isAnnouncement(message: Uint8Array): boolean {
  if (message.length < opening.length) return false;
  for (let at = 0; at < opening.length; at++) if (message[at] !== opening.charCodeAt(at)) return false;
  return true;
}

const header = /^1:([0-9]{1,6}):(b?l?):([A-Za-z0-9_,-]*):([A-Za-z0-9_-]{1,32}):([0-9]{1,16}):([0-9]{1,16}):([0-9]{1,16})$/;
/** Longer than any header can be: {@link limits.exceptMax} ids of 20 characters and the fixed fields. */
const headerBytesMax = 4_096;

/** Undefined for garbage: whoever may write to Redis may write anything. */
export function parseAnnouncement(message: Uint8Array): Announcement | undefined {
  if (!isAnnouncement(message)) return undefined;
  const end = message.subarray(0, headerBytesMax).indexOf(0x22, opening.length);
  const fields = end === -1 ? null : header.exec(String.fromCharCode(...message.subarray(opening.length, end)));
  if (fields === null) return undefined;
  const [, leadBytes, flags = "", except = "", epoch = "", offset, seq, previous] = fields;
  const start = end + 1 + Number(leadBytes);
  const args = message.subarray(start, message.length - closing.length);
  if (args.length < 2 || args[0] !== 0x5b || args[args.length - 1] !== 0x5d) return undefined;
  return {
    epoch,
    offset: Number(offset),
    seq: Number(seq),
    previous: Number(previous),
    binary: flags.includes("b"),
    logged: flags.includes("l"),
    except: except === "" ? [] : except.split(","),
    args,
  };
}
