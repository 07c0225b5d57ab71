import type { Clock } from "./ports/clock.ts";

/** Resolves after at least `ms` of the clock's time. */
export function pause(ms: number, clock: Pick<Clock, "after">): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
