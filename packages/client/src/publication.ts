import type { Position } from "@fanfare/domain";

/** What comes with every publication beside its data. */
export interface Context extends Position {
  readonly channel: string;
  /** The name it was published under. */
  readonly event: string;
  /** Its publisher's own name for it, where it was given one. */
  readonly id?: string;
  /** When it was published: milliseconds since 1970. */
  readonly at: number;
}

/** One publication, as `history` gives it. */
export interface Publication<Data = unknown> extends Context {
  readonly data: Data;
}

/** The publication in what a socket has received, or undefined for an event that is none. */
export function publicationOf(event: string, [data, context]: readonly unknown[]): Publication | undefined {
  if (typeof context !== "object" || context === null) return undefined;
  const { channel, epoch, offset, id, at } = context as Partial<Context>;
  if (typeof channel !== "string" || typeof epoch !== "string" || typeof offset !== "number") return undefined;
  return { channel, event, data, epoch, offset, ...(id === undefined ? {} : { id }), at: at ?? 0 };
}
