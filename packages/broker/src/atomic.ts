import { FanfareError, limits, type PublishItem } from "@fanfare/domain";

/** Throws `ATOMIC_UNSUPPORTED` for more than may hold up everybody else. */
export function refuseTooMany(items: readonly PublishItem[]): void {
  if (items.length <= limits.atomicMax) return;
  const detail = `An atomic batch makes at most ${limits.atomicMax} publications, one per item and channel; this one makes ${items.length}.`;
  throw new FanfareError("ATOMIC_UNSUPPORTED", { detail });
}
