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
  /** W3C Trace Context of its publisher, where the channel's rules have `trace`: hand the context to `propagation.extract`. */
  readonly traceparent?: string;
}

/** One publication, as `history` gives it. */
export interface Publication<Data = unknown> extends Context {
  readonly data: Data;
}

/** The publication in what a socket has received, or undefined for an event that is none. */
export function publicationOf(event: string, [data, context]: readonly unknown[]): Publication | undefined {
  if (typeof context !== "object" || context === null) return undefined;
  const { channel, epoch, offset, id, at, traceparent } = context as Partial<Context>;
  if (typeof channel !== "string" || typeof epoch !== "string" || typeof offset !== "number") return undefined;
  const named = id === undefined ? {} : { id };
  const traced = traceparent === undefined ? {} : { traceparent };
  return { channel, event, data, epoch, offset, ...named, at: at ?? 0, ...traced };
}
