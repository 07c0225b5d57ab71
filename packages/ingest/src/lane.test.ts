import fc from "fast-check";
import { expect, test } from "vitest";
import { Lane } from "./lane.ts";

/** A broker at the other end: it takes jobs in the order they were sent, and is away for some stretches of attempts. */
async function run(count: number, width: number, outages: readonly { readonly at: number; readonly length: number }[]) {
  const stored: number[] = [];
  let attempts = 0;
  let mostOnTheWay = 0;
  let onTheWay = 0;
  let careful = false;
  await new Promise<void>((resolve) => {
    const lane = new Lane<number>({
      async attempt(job) {
        const number = attempts++;
        mostOnTheWay = Math.max(mostOnTheWay, ++onTheWay);
        const away = outages.some(({ at, length }) => number >= at && number < at + length);
        // Stored at once or not at all; the answer takes its time.
        if (!away && !stored.includes(job)) stored.push(job);
        if (away) careful = true;
        await new Promise((go) => setImmediate(go));
        onTheWay -= 1;
        return away ? "again" : "ended";
      },
      width: () => (careful ? 1 : width),
      pause: () => new Promise((go) => setImmediate(go)),
      onIdle: () => {
        if (stored.length === count) resolve();
      },
    });
    for (let job = 0; job < count; job++) lane.add(job);
  });
  return { stored, mostOnTheWay };
}

test("a broker that goes away and comes back, whenever it does, changes no order and loses nothing", async () => {
  // An outage lasts at least until all that was on its way has failed, as that of a lost connection does.
  const outage = fc.record({ at: fc.nat(60), length: fc.integer({ min: 8, max: 40 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(outage, { maxLength: 3 }), async (outages) => {
      const { stored, mostOnTheWay } = await run(50, 8, outages);
      expect(stored).toEqual(Array.from({ length: 50 }, (_, index) => index));
      expect(mostOnTheWay).toBeLessThanOrEqual(8);
    }),
    { numRuns: 60 },
  );
});

test("with a width of 1 not even a broker that refuses one and takes the next changes the order", async () => {
  const outages = fc.array(fc.record({ at: fc.nat(60), length: fc.integer({ min: 1, max: 2 }) }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(outages, async (some) => {
      const { stored } = await run(40, 1, some);
      expect(stored).toEqual(Array.from({ length: 40 }, (_, index) => index));
    }),
    { numRuns: 60 },
  );
});
