import type { Channel } from "../channel.ts";
import type { Draft } from "../publication.ts";

/** What is to be published later: one publication each for its channels. */
export interface Plan {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly channels: readonly Channel[];
  /** Everything but the channel. */
  readonly content: Omit<Draft, "channel">;
}

/** A plan as lists show it: without its payload, which may be large. */
export interface Scheduled {
  /** Sorts by `at`, and then by when it was added. */
  readonly scheduledId: string;
  readonly at: number;
  readonly channels: readonly Channel[];
  readonly event: string;
  readonly id?: string | undefined;
  /** UTF-8 bytes of the payload. */
  readonly bytes: number;
}

export type ScheduleOutcome =
  | { readonly kind: "added" | "duplicate"; readonly scheduledId: string }
  /** The id was used for another plan. */
  | { readonly kind: "conflict" };

/** A plan whose time has come, with the name under which it was added. */
export interface DuePlan extends Plan {
  readonly scheduledId: string;
}

export interface Taken {
  /** By `at`, and then by when they were added. */
  readonly plans: readonly DuePlan[];
  /** How long until the next one is due; undefined when there is none. */
  readonly nextInMs: number | undefined;
}

/**
 * Publications for later, shared by all processes of a cluster. Each verb is atomic, and all times are by the broker's one
 * clock. Plans last as long as the broker's data does: in memory they end with the process. While the broker is away every
 * verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface Schedule {
  /**
   * Adds a plan. One whose `content.id` is known is not added again: `duplicate` with the first name when it says the same,
   * `conflict` when it does not. Such an id is known until {@link limits.idempotencySeconds} behind the plan's time.
   * Rejects with `SCHEDULED_EXCEEDED` when there are as many as there may be.
   */
  add(plan: Plan): Promise<ScheduleOutcome>;

  /** At most `limit` of those that nobody has taken, behind the name `after`, in the order of names. */
  page(after: string, limit: number): Promise<Scheduled[]>;

  /** Also one that was taken; undefined when there is none, or it is done. */
  find(scheduledId: string): Promise<Scheduled | undefined>;

  /** Calls a plan off. `taken` says that it is too late. */
  remove(scheduledId: string): Promise<"removed" | "taken" | "unknown">;

  /**
   * Hands out plans that are due for at least `overdueMs`, to one caller at a time: who does not say {@link done} within
   * `leaseMs` is taken for lost, and the plan is handed out again. So a plan may be published more than once; its
   * publications need ids, by which the broker stores each once.
   */
  take(options: { readonly overdueMs: number; readonly limit: number; readonly leaseMs: number }): Promise<Taken>;

  /** Forgets plans that were published, or never can be. */
  done(scheduledIds: readonly string[]): Promise<void>;
}
