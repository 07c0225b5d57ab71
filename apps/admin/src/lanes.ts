/**
 * Works on the items with at most `inFlightMax` at a time and answers in their order. Work starts in the order of the
 * items: what `work` does before its first `await` happens in that order.
 */
export async function inLanes<Item, Result>(
  items: readonly Item[],
  inFlightMax: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  async function lane(): Promise<void> {
    for (const [index, item] of queue) results[index] = await work(item, index);
  }
  await Promise.all(Array.from({ length: Math.min(inFlightMax, items.length) }, lane));
  return results;
}
