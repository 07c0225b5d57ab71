import fc from "fast-check";
import { expect, test } from "vitest";
import { names, type Step, usual, wander } from "../test/wanderer.ts";

const channel = fc.integer({ min: 0, max: names.length - 1 });
const withExpiry: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: usual },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("expire" as const), channel }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("stall" as const, "read" as const) }) },
);

test.each([
  ["a client that keeps up", undefined],
  ["a client that is slow and caught up from the log", { slow: () => "catchup" as const, bufferBytesMax: 700 }],
])(
  "%s hears everything that lives, once and in order, and nobody is told to reload because something has expired",
  async (_who, slowWorld) => {
    let passedOver = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(withExpiry, { maxLength: 80, size: "max" }), async (steps) => {
        const { client, broker, joined } = await wander(1, steps, slowWorld);
        expect(client.heard.filter((heard) => "reset" in heard)).toEqual([]);
        for (const [name, { offset }] of joined) {
          const heard = client.heard.flatMap((one) => (one.channel === name && "offset" in one ? [one.offset] : []));
          expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
          const entries = broker.log(name).entries.filter((entry) => entry.offset > offset);
          const living = entries.filter(({ expired }) => expired !== true).map((entry) => entry.offset);
          expect(heard).toEqual(expect.arrayContaining(living));
          passedOver += entries.length - heard.length;
        }
      }),
      { numRuns: 150 },
    );
    // Else nothing was tested.
    expect(passedOver).toBeGreaterThan(0);
  },
  60_000,
);
