import type { LifecycleDraft, LifecycleEvent } from "../wire/lifecycle.ts";

/** Part of the log, oldest first. */
export interface LifecyclePage {
  readonly events: readonly LifecycleEvent[];
  /** Events between the place that was asked for and the first of these are gone, or the whole log was. */
  readonly gap: boolean;
}

/**
 * What has happened to connections, channels and nodes of the cluster: one bounded log, written by all nodes in batches.
 *
 * Order: events of one writer stand in the order in which it wrote them. Atomicity: a batch is appended as a whole or not at
 * all. Idempotence: a batch of the same name as the writer's last one changes nothing, so one whose outcome is unknown is
 * written again. Bounded: the oldest events are dropped when there are about `limits.lifecycleEventsMax`.
 * While the broker is away every verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface LifecycleLog {
  /**
   * Appends in this order. Of `channel_occupied` and `channel_vacated` only those are that say something new about the
   * channel, so that several nodes may notice the same. The caller bounds the batch: a few hundred.
   */
  append(writer: string, batch: string, events: readonly LifecycleDraft[]): Promise<void>;

  /** What came after the event of this id, at most `limit`. After {@link lifecycleStart} is from the oldest on. */
  read(after: string, limit: number): Promise<LifecyclePage>;

  /** Id of the newest event, or {@link lifecycleStart}. */
  newest(): Promise<string>;
}

/** Before the first event. */
export const lifecycleStart = "0-0";
