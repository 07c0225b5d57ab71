/** `paced` is what a server is expected to keep up with, `backlog` what is meant to pile up. */
export type Load = "paced" | "backlog";

/** What of a run shows whether its reader was late. */
interface Reading {
  readonly how: Load;
  /** Whether the server writes each message to all before the next one. */
  readonly inTurn: boolean;
  /** Publications read, and written, with one call. */
  readonly perRead: number;
  readonly perWrite: number;
  /** Share of the time that the reader slept. */
  readonly idleShare: number;
  /** Share of the time that the server ran or waited for its core. */
  readonly wanted: number;
}

export const late = { readPerWrite: 1.5, idleShare: 0.05 } as const;

/** A server that wants its core for this share of the time has a backlog, or soon will have. */
const fullShare = 0.85;

/**
 * A late reader makes the server's writes look cheap, so its run does not count. It is late when it reads more frames at once
 * than the server wrote at once. A server with a backlog may write several frames to one socket one right after the other,
 * though: reading those at once is no lateness, unless the reader had no time to sleep either.
 */
export function isLate({ how, inTurn, perRead, perWrite, idleShare, wanted }: Reading): boolean {
  if (perRead <= late.readPerWrite * Math.max(1, perWrite)) return false;
  const mayQueue = !inTurn && (how === "backlog" || wanted >= fullShare);
  return !mayQueue || idleShare < late.idleShare;
}
