import type { Channel } from "@fanfare/domain";

/** The partition that a channel lives in. A standalone or a Sentinel Redis, and this process's memory, has one. */
export function partitionOf(_channel: Channel): number {
  return 0;
}
