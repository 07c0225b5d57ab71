import { availableParallelism, loadavg } from "node:os";

/**
 * The limit for what is promised within so many milliseconds on a machine that has time: stretched by the work that waited for
 * each core in the last minute, so that a test judges what it tests and not its neighbours.
 */
export function promised(ms: number): number {
  const [lastMinute = 0] = loadavg();
  return ms * (1 + lastMinute / availableParallelism());
}
