import { FanfareError } from "./errors.ts";

/** A place in one channel's log. Offsets are only comparable within the same epoch. */
export interface Position {
  readonly epoch: string;
  /** Counts from 1, without holes, per channel and epoch; 0 is "before the first". */
  readonly offset: number;
}

/**
 * A publication's place in everything that one Redis primary has stored: microseconds since 1970, or one more than the
 * last if the clock has not moved on (a hybrid logical clock). So it grows across restarts that lose data, and the pair
 * (offset, seq) names one publication even when a failover has issued an offset twice.
 */
export type Seq = number;

/** No publication is behind it: whoever has come as far is through with all that there will be. */
export const seqMax: Seq = Number.MAX_SAFE_INTEGER;

/** When the publication with this seq was made: milliseconds since 1970. */
export function timeOfSeq(seq: Seq): number {
  return Math.floor(seq / 1_000);
}

export const epochPattern = "^[A-Za-z0-9_-]{1,32}$";
const wellFormedEpoch = new RegExp(epochPattern);
const wellFormedOffset = /^(0|[1-9][0-9]{0,15})$/;

/** The text form, `epoch:offset`. */
export function formatPosition(position: Position): string {
  return `${position.epoch}:${position.offset}`;
}

/** Throws `POSITION_INVALID`. */
export function parsePosition(text: string): Position {
  const colon = text.lastIndexOf(":");
  const epoch = text.slice(0, colon);
  const digits = text.slice(colon + 1);
  const offset = Number(digits);
  if (colon === -1 || !wellFormedEpoch.test(epoch) || !wellFormedOffset.test(digits) || !Number.isSafeInteger(offset)) {
    throw new FanfareError("POSITION_INVALID");
  }
  return { epoch, offset };
}
