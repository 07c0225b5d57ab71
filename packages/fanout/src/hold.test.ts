import { type Channel, defaultEvent } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { names, type Step, usual, type Wanderer, wander } from "../test/wanderer.ts";
import { ModelBroker, ModelClient, ModelNode, turn } from "../test/world.ts";

/** A handful of publications. */
const bufferBytesMax = 700;
const channel = fc.integer({ min: 0, max: names.length - 1 });
/** Much is published and heard, and the client seldom reads. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: usual },
    { weight: 10, arbitrary: fc.record({ act: fc.constant("publish" as const), channel }) },
    { weight: 10, arbitrary: fc.record({ act: fc.constant("flush" as const), node: fc.integer({ min: 0, max: 1 }) }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constant("stall" as const) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("read" as const) }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constant("turn" as const) }) },
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
  expect(skipped).toBeGreaterThan(5);
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

test("a channel that is joined while the connection is held back is owed nothing from before, and nothing of it is lost", async () => {
  const [one, other] = names as [Channel, Channel];
  const broker = new ModelBroker();
  const node = new ModelNode(broker, "one", { bufferBytesMax, slow: () => "catchup" });
  const client = new ModelClient();
  const socket = node.connect(client, "s");
  const publish = (channel: Channel, times: number): void => {
    for (let time = 0; time < times; time++) {
      broker.publishNow({ channel, event: defaultEvent, payload: { json: "0", binary: false } }, true);
    }
    node.link.flush();
  };
  const offsets = (channel: Channel) =>
    client.heard.flatMap((heard) => (heard.channel === channel && "offset" in heard ? [heard.offset] : []));

  await node.fanout.subscribe(socket, one);
  const { epoch } = await node.fanout.subscribe(socket, other);
  await node.fanout.unsubscribe(socket, other);
  client.reads = false;
  publish(one, 10);
  expect(node.fanout.held).toBe(1);
  publish(other, 4);
  expect(await node.fanout.subscribe(socket, other, { since: { epoch, offset: 2 } })).toMatchObject({ replayed: 2 });
  publish(other, 3);
  publish(one, 3);
  expect(Number(node.fanout.bookmarkOf(socket).slice(2))).toBeLessThan(10);

  client.reads = true;
  node.drain(client);
  for (let turns = 0; turns < 40; turns++) await turn();
  expect(node.fanout.held).toBe(0);
  expect(offsets(one)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  expect(offsets(other)).toEqual([3, 4, 5, 6, 7]);
  expect(client.bookmark).toBe(node.fanout.bookmark);
  node.fanout.close();
});
