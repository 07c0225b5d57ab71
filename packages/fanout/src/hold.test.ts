import type { Channel } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { names, type Step, usual, type Wanderer, wander } from "../test/wanderer.ts";

/** A handful of publications. */
const bufferBytesMax = 700;
const steps = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: usual },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("stall" as const) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("read" as const) }) },
  ) satisfies fc.Arbitrary<Step>,
  { maxLength: 120, size: "max" },
);

type Rule = "disconnect" | "latest" | "catchup";

function storedAfter({ broker, joined }: Wanderer, name: Channel) {
  const from = joined.find(([channel]) => channel === name)?.[1].offset ?? 0;
  return broker
    .log(name)
    .entries.filter(({ offset }) => offset > from)
    .map(({ channel, epoch, offset }) => ({ channel, epoch, offset }));
}

test.each<[string, readonly Rule[], number]>([
  ["is caught up", ["catchup"], 1],
  ["is caught up", ["catchup"], 3],
  ["is closed and comes back", ["disconnect"], 1],
  ["is caught up or closed", ["catchup", "disconnect"], 1],
  ["is caught up or closed", ["catchup", "disconnect"], 3],
])(
  "a client that reads when it likes %s, and hears all of it once (%j, %i partitions)",
  async (_, rules, partitions) => {
    const slow = (channel: Channel): Rule => rules[names.indexOf(channel) % rules.length] ?? "disconnect";
    await fc.assert(
      fc.asyncProperty(steps, async (schedule) => {
        const world = await wander(partitions, schedule, { bufferBytesMax, slow });
        for (const name of names) {
          expect(world.client.heard.filter(({ channel }) => channel === name)).toEqual(storedAfter(world, name));
        }
      }),
      { numRuns: 100 },
    );
  },
  60_000,
);

test("with the rule latest a client that reads when it likes hears the newest at last, in order, and other channels whole", async () => {
  const slow = (channel: Channel): Rule => (channel === names[0] ? "latest" : "catchup");
  let skipped = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (schedule) => {
      const world = await wander(1, schedule, { bufferBytesMax, slow });
      const [latest, ...others] = names;
      for (const name of others) {
        expect(world.client.heard.filter(({ channel }) => channel === name)).toEqual(storedAfter(world, name));
      }
      if (latest === undefined) return;
      const heard = world.client.heard.flatMap((one) => (one.channel === latest && "offset" in one ? [one.offset] : []));
      const stored = storedAfter(world, latest).map(({ offset }) => offset);
      expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
      expect(heard.at(-1)).toBe(stored.at(-1));
      skipped += stored.length - heard.length;
    }),
    { numRuns: 100 },
  );
  expect(skipped).toBeGreaterThan(0);
}, 60_000);

test("what waits for a client that never reads is bounded, whatever the rules say", async () => {
  for (const rule of ["disconnect", "latest", "catchup"] as const) {
    const publish: Step = { act: "publish", channel: 1 };
    const flush: Step = { act: "flush", node: 0 };
    const schedule: Step[] = [{ act: "stall" }, ...Array.from({ length: 300 }, () => [publish, flush]).flat()];
    const { unsentMax } = await wander(1, schedule, { bufferBytesMax, slow: () => rule });
    expect(unsentMax).toBeGreaterThan(bufferBytesMax / 2);
    expect(unsentMax).toBeLessThan(bufferBytesMax * 1.3);
  }
});
