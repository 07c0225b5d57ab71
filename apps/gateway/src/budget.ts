import { type Clock, pause } from "@fanfare/domain";

/** The time that something has as a whole, spent by its parts in turn. */
export interface Budget {
  /** Milliseconds until this share of all of it is spent, from 0 up. */
  left(share: number): number;
  /**
   * Waits for `work` until this share is spent, at most `mostMs`. What is late by then goes on without anybody waiting for it.
   * Never rejects.
   */
  within(share: number, work: Promise<unknown>, mostMs?: number): Promise<void>;
}

/** It begins to run now. */
export function budgetOf(ms: number, clock: Pick<Clock, "monotonic" | "after">): Budget {
  const startedAtMs = clock.monotonic();
  const left = (share: number): number => Math.max(0, ms * share - (clock.monotonic() - startedAtMs));
  return {
    left,
    async within(share, work, mostMs = Number.POSITIVE_INFINITY) {
      await Promise.race([Promise.allSettled([work]), pause(Math.min(left(share), mostMs), clock)]);
    },
  };
}
