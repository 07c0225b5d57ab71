/** A Ctrl-C often comes twice at once, from the terminal and handed on by npm: that is one wish, not two. */
const sameWishMs = 500;

const endings = ["SIGINT", "SIGTERM"] as const;

/** What else ends a process: its terminal is closed, unless it reads its rules again then. */
export function hangup({ rules }: { readonly rules?: string }): readonly NodeJS.Signals[] {
  return rules === undefined ? ["SIGHUP"] : [];
}

export interface OnStopOptions {
  /** Signals beside SIGINT and SIGTERM. */
  readonly alsoBy?: readonly NodeJS.Signals[];
}

/**
 * Calls `close` once when the process is told to stop, then ends it. Told again after a moment, it ends at once.
 */
export function onStop(close: () => Promise<void>, { alsoBy = ["SIGHUP"] }: OnStopOptions = {}): void {
  let told: number | undefined;
  const stop = () => {
    const now = performance.now();
    if (told !== undefined && now - told > sameWishMs) process.exit(1);
    if (told !== undefined) return;
    told = now;
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of [...endings, ...alsoBy]) process.on(signal, stop);
}
