import type { Seq } from "./position.ts";

/**
 * Up to where a session has heard everything, one {@link Seq} per partition of the broker. Its text is the trailing
 * argument of every publication: the stock client keeps the last one and returns it when it reconnects.
 */
export interface Bookmark {
  readonly seqs: readonly Seq[];
}

const wellFormed = /^1((?:\.(?:0|[1-9][0-9]{0,15}))+)$/;

/** `1.` and the seqs, decimal, joined by dots; the leading 1 is the version of the format. */
export function formatBookmark(bookmark: Bookmark): string {
  return `1.${bookmark.seqs.join(".")}`;
}

/** Undefined for anything that {@link formatBookmark} did not make: clients store any trailing string they get. */
export function parseBookmark(text: unknown): Bookmark | undefined {
  const match = typeof text === "string" && text.length <= 1_024 ? wellFormed.exec(text) : null;
  const seqs = match?.[1]?.slice(1).split(".").map(Number);
  return seqs?.every(Number.isSafeInteger) ? { seqs } : undefined;
}
