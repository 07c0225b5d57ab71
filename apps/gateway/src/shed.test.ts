import { createMetrics } from "@fanfare/telemetry";
import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { Shed, shedLimits } from "./shed.ts";
import { descriptorsHere, memoryBytesHere, type VitalSigns, VitalSignsReader } from "./vital-signs.ts";

const light: VitalSigns = { memoryBytes: 100, heapShare: 0.1, eventLoopMs: 1, descriptors: 10 };
const limits = { memoryBytes: 1_000, heapShare: 0.9, eventLoopMs: 500, descriptors: 100 };

function scene() {
  const clock = new ManualClock();
  const metrics = createMetrics({ app: "gateway" });
  const lines: string[] = [];
  let signs = light;
  const note = (_: unknown, message?: string): void => void lines.push(message ?? "");
  const shed = new Shed({ limits, take: () => signs, clock, log: { warn: note, info: note }, metrics });
  return {
    shed,
    metrics,
    lines,
    /** What was said after each of these looks, one a second. */
    looks: (...seen: Partial<VitalSigns>[]) =>
      seen.map((one) => {
        signs = { ...light, ...one };
        clock.advance(1_000);
        return shed.burden;
      }),
  };
}

const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);

test("one second that is too much passes, a second one ends the taking of connections", () => {
  const { looks } = scene();
  expect(looks({ eventLoopMs: 900 }, light, { eventLoopMs: 900 })).toEqual(times(3, undefined));
  expect(looks({ eventLoopMs: 500 })).toEqual(["event_loop"]);
});

test.each([
  ["memory", { memoryBytes: 1_000 }],
  ["memory", { heapShare: 0.95 }],
  ["event_loop", { eventLoopMs: 500 }],
  ["descriptors", { descriptors: 100 }],
] as const)("too much %s is named, in the log and as a metric: %o", async (burden, signs) => {
  const { looks, metrics, lines } = scene();
  expect(looks(signs, signs)).toEqual([undefined, burden]);
  expect(lines).toEqual(["too much: no new connections are taken"]);
  const text = await metrics.text();
  expect(text.match(/^fanfare_shedding\{.*\} 1$/gm)).toEqual([`fanfare_shedding{burden="${burden}"} 1`]);
});

test("it ends after five seconds well below the limit, and a node just below it stays closed", async () => {
  const { looks, metrics, lines } = scene();
  looks(...times(2, { memoryBytes: 1_100 }));
  expect(looks(...times(20, { memoryBytes: 950 }))).toEqual(times(20, "memory"));
  expect(looks(...times(4, { memoryBytes: 890 }), { memoryBytes: 920 })).toEqual(times(5, "memory"));
  expect(looks(...times(5, { memoryBytes: 890 }))).toEqual([...times(4, "memory"), undefined]);
  expect(lines).toEqual(["too much: no new connections are taken", "new connections are taken again"]);
  expect(await metrics.text()).not.toMatch(/^fanfare_shedding\{.*\} 1$/m);
});

test("of two burdens the other is named when one ends", () => {
  const { looks } = scene();
  looks(...times(2, { memoryBytes: 2_000, descriptors: 200 }));
  expect(looks(...times(5, { descriptors: 200 }))).toEqual([...times(4, "memory"), "descriptors"]);
});

test("where the system does not say how many descriptors are open, they are no burden", () => {
  const { looks } = scene();
  expect(looks(...times(3, { descriptors: undefined }))).toEqual(times(3, undefined));
});

test("limits that are not given come from the machine, and 0 lifts one", () => {
  const here = { memoryBytes: 1_000, descriptors: 200 };
  expect(shedLimits({ shedEventLoopMs: 500 }, here)).toEqual({
    memoryBytes: 850,
    heapShare: 0.9,
    eventLoopMs: 500,
    descriptors: 180,
  });
  const none = Number.POSITIVE_INFINITY;
  expect(shedLimits({ shedMemoryBytes: 0, shedEventLoopMs: 0, shedDescriptors: 0 }, here)).toEqual({
    memoryBytes: none,
    heapShare: none,
    eventLoopMs: none,
    descriptors: none,
  });
  expect(shedLimits({ shedEventLoopMs: 1 }, { memoryBytes: 1_000, descriptors: undefined }).descriptors).toBe(none);
});

test("what is read of this process is what it has", () => {
  const reader = new VitalSignsReader();
  const { heapShare, memoryBytes, descriptors = 1 } = reader.take();
  const until = performance.now() + 60;
  while (performance.now() < until);
  // Not one turn of the loop has passed.
  expect(reader.take().eventLoopMs).toBeGreaterThan(45);
  reader.stop();
  expect(heapShare).toBeGreaterThan(0);
  expect(heapShare).toBeLessThan(1);
  expect(memoryBytes).toBeGreaterThan(1_000_000);
  expect(memoryBytes).toBeLessThan(memoryBytesHere());
  expect(descriptors).toBeGreaterThan(0);
  expect(descriptors).toBeLessThan(descriptorsHere() ?? Number.POSITIVE_INFINITY);
});
