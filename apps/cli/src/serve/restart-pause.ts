/** The pause before a restart grows from the first to the last while starts keep failing. */
const pauseMs = { first: 200, last: 5_000 };
/** A process that ran this long was well: the next one is started at once, and pauses grow from the beginning. */
const wellAfterMs = 10_000;

/** How long to wait before a process is started again that ran for `ranMs`, and had been waited for `beforeMs`. */
export function restartPauseMs(beforeMs: number, ranMs: number): number {
  if (ranMs >= wellAfterMs) return 0;
  return Math.min(pauseMs.last, Math.max(pauseMs.first, beforeMs * 2));
}
