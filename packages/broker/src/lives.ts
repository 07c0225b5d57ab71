import { limits, type Retention } from "@fanfare/domain";

/*
 * How long the broker keeps what, in ms. The same for memory and Redis.
 */

/** How long an unused channel keeps its epoch and offset. */
export const channelLifeMs = 24 * 3_600_000;

/** How long a publication's id is remembered. */
export const idLifeMs = limits.idempotencySeconds * 1_000;

/** A log is gone when its newest publication is too old. */
export function logLifeMs({ seconds }: Retention): number {
  return Math.round(seconds * 1_000);
}

/** A channel outlives its log, so that no log is ever read without the epoch it belongs to. */
export function channelLifeAfterPublishMs(retain: Retention): number {
  return Math.max(channelLifeMs, 2 * logLifeMs(retain));
}
