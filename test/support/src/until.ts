/**
 * Polls until `unmet` has nothing left to say. On time-out the test fails with the last thing it said: a limit of one's own is
 * for what has been promised within it.
 */
export async function until(unmet: () => string | undefined | Promise<string | undefined>, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms;
  for (;;) {
    const reason = await unmet();
    if (reason === undefined) return;
    if (performance.now() > deadline) throw new Error(`after ${ms} ms still: ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
