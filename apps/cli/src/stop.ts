/** A Ctrl-C often comes twice at once, from the terminal and handed on by npm: that is one wish, not two. */
const sameWishMs = 500;

/**
 * Calls `close` once when the process is told to stop, then ends it. Told again after a moment, it ends at once.
 */
export function onStop(close: () => Promise<void>): void {
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
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
}
