import type { Place, Position, Seq } from "@fanfare/domain";

/** The last publication of a channel that this node has delivered. */
export interface Delivered extends Position {
  readonly seq: Seq;
}

/**
 * What an announcement means for a channel.
 *
 * | seq       | epoch | offset | previous          | verdict     | what the node does                                        |
 * |-----------|-------|--------|-------------------|-------------|-----------------------------------------------------------|
 * | not newer | any   | any    | any               | `duplicate` | drops it                                                  |
 * | newer     | other | any    | any               | `epoch`     | the log started over: reset, then the new log from its start |
 * | newer     | same  | + 1    | what is delivered | `next`      | delivers it                                               |
 * | newer     | same  | 1, and nothing delivered in this epoch | any | `next` | delivers it                                   |
 * | newer     | same  | > + 1  | any               | `gap`       | fills the hole from the log, then goes on                 |
 * | newer     | same  | else   |                   | `diverged`  | the log was rewritten by a failover: new epoch, reset      |
 *
 * `previous` tells a hole from a rewritten log even when the offsets happen to fit.
 */
export type Verdict = "next" | "duplicate" | "gap" | "diverged" | "epoch";

export function judge(delivered: Delivered, next: Place): Verdict {
  if (next.seq <= delivered.seq) return "duplicate";
  if (next.epoch !== delivered.epoch) return "epoch";
  if (next.offset > delivered.offset + 1) return "gap";
  const follows = next.offset === delivered.offset + 1 && (delivered.offset === 0 || next.previous === delivered.seq);
  return follows ? "next" : "diverged";
}

/** Whether the broker's top is what this node delivered last. Before a channel's first publication there is no seq to compare. */
export function standsAt(delivered: Delivered, top: Delivered): boolean {
  return delivered.epoch === top.epoch && delivered.offset === top.offset && (top.offset === 0 || delivered.seq === top.seq);
}
