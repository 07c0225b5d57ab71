import fc from "fast-check";
import { expect, test } from "vitest";
import { names, type Step, usual, Wanderer, wander } from "../test/wanderer.ts";

const node = fc.integer({ min: 0, max: 1 });
const channel = fc.integer({ min: 0, max: names.length - 1 });
const rules: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("keep" as const, "forgo" as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("rules" as const), node }) },
);
const withRules: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: usual },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("stall" as const, "read" as const) }) },
  { weight: 2, arbitrary: rules },
);
/** After the rules have settled: links that break, nodes that change, and no change of the rules. */
const after: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: usual },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("publish" as const), channel }) },
);

/** Brings everything to rest under rules by which channels keep a log. */
async function keepLogs(world: Wanderer): Promise<void> {
  world.take({ act: "keep" });
  for (const { fanout } of world.nodes) fanout.retentionChanged();
  await world.settle();
}

test.each([
  ["a client that keeps up", undefined],
  ["a client that is slow and caught up from the log", { slow: () => "catchup" as const, bufferBytesMax: 700 }],
])(
  "%s is told of every hole once the rules give its channels a log, whatever they said before and whenever nodes read them",
  async (_who, slowWorld) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(withRules, { maxLength: 60, size: "max" }),
        fc.array(after, { maxLength: 40, size: "max" }),
        async (before, then) => {
          const world = await wander(1, before, slowWorld, false);
          await keepLogs(world);
          const { client, broker } = world;
          const marks = new Map(names.map((name) => [name, broker.log(name).top]));
          const heardBefore = client.heard.length;
          for (const step of then) await world.step(step);
          await world.settle();
          world.close();
          for (const name of names) {
            // Who comes back with a bookmark from before may be told once more, or given what the log still has from then.
            const since = client.heard.slice(heardBefore).filter((one) => one.channel === name);
            const resetAt = since.findLastIndex((one) => "reset" in one);
            const offsets = since.slice(resetAt + 1).flatMap((one) => ("offset" in one ? [one.offset] : []));
            offsets.forEach((offset, index) => {
              if (index > 0) expect(offset).toBe((offsets[index - 1] ?? 0) + 1);
            });
            const { top } = broker.log(name);
            const mark = marks.get(name) ?? 0;
            if (resetAt === -1 && top > mark) expect(offsets[0]).toBeLessThanOrEqual(mark + 1);
            if (offsets.length > 0 || (resetAt === -1 && top > mark)) expect(offsets.at(-1)).toBe(top);
            const all = client.heard.flatMap((one) => (one.channel === name && "offset" in one ? [one.offset] : []));
            expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
          }
        },
      ),
      { numRuns: 150 },
    );
  },
  60_000,
);

/** Time passes on the first node, on a link that holds. */
async function pass(world: Wanderer): Promise<void> {
  for (let turns = 0; turns < 20; turns++) {
    await world.step({ act: "turn" });
    world.take({ act: "flush", node: 0 });
  }
}

/** The rules change, and the first node reads them. */
function change(world: Wanderer, act: "keep" | "forgo"): void {
  world.take({ act });
  world.take({ act: "rules", node: 0 });
}

test("what was missed while a channel kept no log is told when it begins to keep one, and from then on holes are filled", async () => {
  const world = new Wanderer(1);
  world.broker.keeps = false;
  await world.begin();
  const publish = (): void => world.take({ act: "publish", channel: 0 });
  publish();
  await pass(world);
  publish();
  world.take({ act: "lose", node: 0 });
  change(world, "keep");
  await pass(world);
  const { client } = world;
  expect(client.heard).toMatchObject([{ offset: 1 }, { reset: "trimmed" }]);
  publish();
  world.take({ act: "lose", node: 0 });
  publish();
  await pass(world);
  world.close();
  expect(client.heard.slice(2)).toMatchObject([{ offset: 3 }, { offset: 4 }]);
});

test("what is held back from a slow client is told when its channel ceases to keep a log, and given when it keeps one again", async () => {
  const world = new Wanderer(1, { slow: () => "catchup", bufferBytesMax: 700 });
  await world.begin();
  world.take({ act: "stall" });
  const publish = async (channel: number): Promise<void> => {
    world.take({ act: "publish", channel });
    await pass(world);
  };
  for (let count = 0; count < 8; count++) await publish(0);
  change(world, "forgo");
  change(world, "keep");
  await publish(1);
  world.take({ act: "read" });
  await pass(world);
  await world.settle();
  world.close();
  const { heard } = world.client;
  const of = (name: string | undefined) => heard.filter(({ channel }) => channel === name);
  expect(of(names[0]).length).toBeLessThan(8);
  expect(of(names[0]).at(-1)).toMatchObject({ reset: "trimmed" });
  expect(of(names[1]).at(-1)).toMatchObject({ offset: 1 });
});
