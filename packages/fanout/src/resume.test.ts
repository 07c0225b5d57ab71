import fc from "fast-check";
import { expect, test } from "vitest";
import { names, type Step, usual, wander } from "../test/wanderer.ts";

const channel = fc.integer({ min: 0, max: names.length - 1 });
const withLoss: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: usual },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("trim" as const, "forget" as const), channel }) },
);

test.each([1, 3])(
  "a client that wanders between nodes misses nothing and hears nothing twice (%i partitions)",
  async (partitions) => {
    await fc.assert(
      fc.asyncProperty(fc.array(usual, { maxLength: 80, size: "max" }), async (steps) => {
        const { client, broker, joined } = await wander(partitions, steps);
        for (const [name, { offset }] of joined) {
          const heard = client.heard.filter(({ channel }) => channel === name);
          const all = broker.log(name).entries.filter((entry) => entry.offset > offset);
          expect(heard).toEqual(all.map(({ channel, epoch, offset }) => ({ channel, epoch, offset })));
        }
      }),
      { numRuns: 200 },
    );
  },
  60_000,
);

test("when the broker loses a log, every hole in what a client hears is told before it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(withLoss, { maxLength: 80, size: "max" }), async (steps) => {
      const { client, joined } = await wander(1, steps);
      for (const [name, position] of joined) {
        let at: { epoch: string; offset: number } | undefined = position;
        for (const heard of client.heard) {
          if (heard.channel !== name) continue;
          if ("reset" in heard) at = undefined;
          else {
            if (at !== undefined) expect(heard).toMatchObject({ epoch: at.epoch, offset: at.offset + 1 });
            at = heard;
          }
        }
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);
