/** Polls until `unmet` has nothing left to say; on time-out fails with the last thing it said. */
export async function until(unmet: () => string | undefined | Promise<string | undefined>, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms;
  for (;;) {
    const reason = await unmet();
    if (reason === undefined) return;
    if (performance.now() > deadline) throw new Error(`after ${ms} ms still: ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
