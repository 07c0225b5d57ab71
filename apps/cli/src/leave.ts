/**
 * Ends the process as soon as all that was printed is written. Closed connections leave timers that would keep it for seconds.
 */
export function leave(code: 0 | 1): Promise<never> {
  return new Promise(() => process.stdout.write("", () => process.exit(code)));
}
