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
 *
 * Before `uid` stands `"receipt":1` where one was asked for. Nodes that know nothing of receipts take what is between the
 * header and the array by its length, and stock nodes pass over members that they do not know: a flag in the header, which is
 * refused where it is unknown, would have cost older nodes the publication.
 */

/** Version of the announcement; wire/announcement.test.ts holds it to the format. */
export const announcementVersion = 1;

const opening = `{"fanfare":"`;
const closing = "}}}";
const receiptMember = ',"receipt":1';

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
  // Neither rooms nor session ids hold anything that JSON would escape.
  const left = except.map((id) => `"${id}"`).join(",");
  const opts = `{"rooms":["${room}"],"except":[${left}],"flags":{}}`;
  const receipt = draft.receipt === true ? receiptMember : "";
  const lead = `${receipt},"uid":"fanfare","nsp":"/","type":3,"data":{"opts":${opts},"packet":{"type":2,"nsp":"/","data":`;
  return {
    head: `${opening}${announcementVersion}:${lead.length}:${flags}:${except.join(",")}:`,
    before: `"${lead}${beforeData(draft)}`,
    data: draft.payload.json,
    after: afterData(draft),
    tail: contextEnd(draft),
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
  return beforeData(draft) + draft.payload.json + afterData(draft) + contextTail(draft, place) + bookmarkTail(bookmark);
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
  return `,{"channel":"${channel}","offset":`;
}

function contextTail(draft: Draft, { epoch, offset, seq }: Place): string {
  return `${offset},"epoch":"${epoch}","at":${timeOfSeq(seq)}${contextEnd(draft)}`;
}

function contextEnd({ id, traceparent }: Draft): string {
  const named = id === undefined ? "" : `,"id":${JSON.stringify(id)}`;
  return traceparent === undefined ? `${named}}` : `${named},"traceparent":${JSON.stringify(traceparent)}}`;
}

function bookmarkTail(bookmark: string | null): string {
  return bookmark === null ? ",null]" : `,"${bookmark}"]`;
}

/** What a node reads off an announcement. */
export interface Announcement extends Place {
  readonly binary: boolean;
  readonly logged: boolean;
  readonly except: readonly string[];
  /** Whether to count who gets it. */
  readonly receipt: boolean;
  /** The arguments array in UTF-8: a view into the message, not a copy. */
  readonly args: Uint8Array;
}

/** Whether a message on a channel's topic is meant to be ours; stock adapters' and emitters' are not. */
export function isAnnouncement(message: Uint8Array): boolean {
  if (message.length < opening.length) return false;
  for (let at = 0; at < opening.length; at++) if (message[at] !== opening.charCodeAt(at)) return false;
  return true;
}

/** Longer than any header can be: {@link limits.exceptMax} ids of 20 characters and the fixed fields. */
const headerBytesMax = 4_096;
const fieldsCount = 8;
const colon = 0x3a;
const quote = 0x22;
const versionDigit = 0x30 + announcementVersion;
const binaryFlag = 0x62;
const loggedFlag = 0x6c;
/** Which letter of {@link receiptMember} tells it from `,"uid"`, and where. */
const receiptLetterAt = 2;
const receiptLetter = receiptMember.charCodeAt(receiptLetterAt);

/**
 * Undefined for garbage: whoever may write to Redis may write anything. `epoch`, of an earlier one, is what it probably names: the
 * text is taken over then, and not made anew. Every publication passes here on every node, so bytes are looked at one by one:
 * a text of the header, cut to pieces, would cost more than all else that hearing a publication takes.
 */
export function parseAnnouncement(message: Uint8Array, epoch?: string): Announcement | undefined {
  const ends = isAnnouncement(message) ? fieldEnds(message) : undefined;
  if (ends === undefined || message[opening.length] !== versionDigit || ends[0] !== opening.length + 1) return undefined;
  const [versionEnd = 0, leadEnd = 0, flagsEnd = 0, exceptEnd = 0, epochEnd = 0, offsetEnd = 0, seqEnd = 0, end = 0] = ends;
  const leadBytes = numberIn(message, versionEnd + 1, leadEnd, 6);
  const binary = message[leadEnd + 1] === binaryFlag;
  const logged = flagsEnd > leadEnd + 1 && message[flagsEnd - 1] === loggedFlag;
  if (leadBytes < 0 || flagsEnd - leadEnd - 1 !== Number(binary) + Number(logged)) return undefined;
  const except = exceptEnd === flagsEnd + 1 ? nobody : idsIn(message, flagsEnd + 1, exceptEnd);
  const named = epochIn(message, exceptEnd + 1, epochEnd, epoch);
  const offset = numberIn(message, epochEnd + 1, offsetEnd, 16);
  const seq = numberIn(message, offsetEnd + 1, seqEnd, 16);
  const previous = numberIn(message, seqEnd + 1, end, 16);
  if (except === undefined || named === undefined || offset < 0 || seq < 0 || previous < 0) return undefined;
  const args = message.subarray(end + 1 + leadBytes, message.length - closing.length);
  if (args.length < 2 || args[0] !== 0x5b || args[args.length - 1] !== 0x5d) return undefined;
  // One byte decides: every publication passes here on every node.
  const receipt = logged && leadBytes > receiptLetterAt && message[end + 1 + receiptLetterAt] === receiptLetter;
  return { epoch: named, offset, seq, previous, binary, logged, except, receipt, args };
}

const nobody: readonly string[] = [];

/** Where the fields of the header end: each at a colon, the last one at the closing quote. */
function fieldEnds(message: Uint8Array): number[] | undefined {
  const ends: number[] = [];
  const last = Math.min(message.length, headerBytesMax);
  for (let at = opening.length; at < last; at++) {
    const byte = message[at];
    if (byte !== colon && byte !== quote) continue;
    ends.push(at);
    if (byte === quote) return ends.length === fieldsCount ? ends : undefined;
  }
  return undefined;
}

/** A whole number in decimal digits, or -1 for what is none. */
function numberIn(message: Uint8Array, from: number, to: number, digitsMax: number): number {
  if (from >= to || to - from > digitsMax) return -1;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = (message[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

const epochs = /^[A-Za-z0-9_-]{1,32}$/;

function epochIn(message: Uint8Array, from: number, to: number, probably: string | undefined): string | undefined {
  if (probably !== undefined && isText(message, from, to, probably)) return probably;
  const text = String.fromCharCode(...message.subarray(from, to));
  return epochs.test(text) ? text : undefined;
}

function isText(message: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let at = from; at < to; at++) if (message[at] !== text.charCodeAt(at - from)) return false;
  return true;
}

const ids = /^[A-Za-z0-9_,-]*$/;

function idsIn(message: Uint8Array, from: number, to: number): readonly string[] | undefined {
  const text = String.fromCharCode(...message.subarray(from, to));
  return ids.test(text) ? text.split(",") : undefined;
}
