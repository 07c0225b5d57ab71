import type { Position } from "@fanfare/domain";

/** Why a listener has to load anew. The first three are the server's own words. */
export type ResetReason =
  /** The log started over. */
  | "epoch_changed"
  /** The log no longer reaches back to where the listener was. */
  | "trimmed"
  /** A failover brought back an older log. */
  | "diverged"
  /** The log may not be read, or did not come, for a listener that joined others of its channel late. */
  | "unreadable";

/** What a publication is to a listener that stands at a position. */
export type Verdict =
  | "next"
  /** Offsets lie in between: they were not for this session (`except`), or are lost. */
  | "ahead"
  /** Heard before, or too late. */
  | "stale"
  /** The log started over and nobody said so. */
  | "foreign";

export function judge(position: Position | undefined, { epoch, offset }: Position): Verdict {
  if (position === undefined) return "next";
  if (epoch !== position.epoch) return "foreign";
  if (offset <= position.offset) return "stale";
  return offset === position.offset + 1 ? "next" : "ahead";
}

/** The later of two positions; where they do not compare, the second. */
export function later(position: Position | undefined, { epoch, offset }: Position): Position {
  return position?.epoch === epoch && position.offset >= offset ? position : { epoch, offset };
}

/** From where on a subscribe asks for what is in the log. */
export interface Start {
  readonly since?: Position | undefined;
  readonly rewind?: number | undefined;
}

/** What a subscribe was answered. */
export interface Subscribed extends Position {
  /** Whether everything after `since` was sent before this answer. */
  readonly recovered: boolean;
  readonly replayed: number;
}

/**
 * Whether the answer is that of a session which was in the channel already: by `auth.channels`, by a token's `join`, or by
 * an earlier subscribe whose answer was lost. Such a session is sent nothing from the log, whatever it asked for, so it has
 * to leave first. A session for which the log had nothing looks the same; leaving does it no harm.
 */
export function wasSubscribed({ since, rewind }: Start, { epoch, offset, recovered, replayed }: Subscribed): boolean {
  if (replayed > 0) return false;
  if (since !== undefined) return !recovered || since.epoch !== epoch || offset !== since.offset;
  return rewind !== undefined && offset > 0;
}

/** Why the log could not be given from `since` on; undefined when it was, or nobody asked. */
export function reasonToReset({ since }: Start, { epoch, offset, recovered }: Subscribed): ResetReason | undefined {
  if (since === undefined || recovered) return undefined;
  if (since.epoch !== epoch) return "epoch_changed";
  return since.offset > offset ? "diverged" : "trimmed";
}
