import type { Log } from "./log.ts";

export interface CloseInTimeOptions {
  /** Lets go of all that the process holds. Takes for ever where somebody is frozen whose goodbye it waits for. */
  readonly close: () => Promise<unknown>;
  /** The setting FANFARE_DRAIN_MS. */
  readonly drainMs: number;
  readonly log: Pick<Log, "warn" | "error">;
}

/**
 * The last resort of every process that is told to stop. Closes, and resolves with the status that the process then has to
 * end with, at once: 0 when all is closed, 1 when that failed or has taken too long, as the log says. Never rejects.
 */
export function closeInTime({ close, drainMs, log }: CloseInTimeOptions): Promise<0 | 1> {
  return new Promise((resolve) => {
    // The time begins before anything is closed, and no time-out of what is closed is over before it.
    const timer = setTimeout(() => {
      log.warn({ drainMs }, "not stopped in time: ending now");
      resolve(1);
    }, drainMs).unref();
    const end = (status: 0 | 1): void => {
      clearTimeout(timer);
      resolve(status);
    };
    close().then(
      () => end(0),
      (err: unknown) => {
        log.error({ err }, "stopping failed");
        end(1);
      },
    );
  });
}
