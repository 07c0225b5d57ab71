import type { Seq } from "@fanfare/domain";
import type { Verdict } from "./continuity.ts";
import type { SlowRule } from "./slow-rule.ts";

/** Why subscribers are told to reload. */
export type ResetReason =
  /** The broker lost its data, or the channel was forgotten: the log started over. */
  | "epoch_changed"
  /** The log no longer reaches back to what was delivered last. */
  | "trimmed"
  /** A failover brought back an older log, in which offsets were given out again. */
  | "diverged";

/** What happens, for whoever counts. Called on the hot path: nothing here may be slow or throw. */
export interface FanoutObserver {
  announcement(outcome: Verdict | "foreign" | "garbage"): void;
  /** `seq`: of the publication that so many connections were written. Absent for what is none. */
  delivered(count: number, seq?: Seq): void;
  replayed(count: number): void;
  /** The lane was held up and compared with the broker: what was missing is delivered, or the broker did not answer. */
  repaired(outcome: "filled" | "failed"): void;
  reset(reason: ResetReason): void;
  /** What was collected was written, to so many connections. */
  flushed(connections: number): void;
  /** A connection is behind and gets nothing more for a while, has got what it missed, or is closed for being too slow. */
  slow(outcome: "held" | "caught_up" | "disconnected"): void;
  /** A canary came back, so long after it was sent. */
  canary(tookMs: number): void;
  /** A publication was not sent to a connection that is behind; `rule` is its channel's. */
  withheld(rule: SlowRule): void;
}
