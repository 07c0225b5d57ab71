import { expect, test } from "vitest";
import { lineChart } from "./chart.ts";

const text = { title: "a < b", x: "rate", y: "cost", notes: ["one & two"] };
const line = (name: string, ...points: [number, number][]) => ({ name, points: points.map(([x, y]) => ({ x, y })) });

test("a chart names its lines, its axes and its notes, and escapes what XML would take for its own", () => {
  const svg = lineChart(text, [line("ours", [10, 5], [100, 2]), line("theirs", [10, 9])]);
  for (const part of [">ours<", ">theirs<", ">rate<", ">cost<", "a &lt; b", "one &amp; two"]) expect(svg).toContain(part);
  expect(svg).toMatch(/^<svg [^>]+>[\s\S]+<\/svg>\n$/);
});

test("each power of ten takes the same room, and greater values stand further right and higher up", () => {
  const [, d] = /<path class="line" d="(M[^"h]+)"/.exec(lineChart(text, [line("ours", [10, 1], [100, 10], [1_000, 100])])) ?? [];
  const [first, second, third] = (d ?? "")
    .slice(1)
    .split("L")
    .map((pair) => pair.split(" ").map(Number));
  expect((second?.[0] ?? 0) - (first?.[0] ?? 0)).toBeCloseTo((third?.[0] ?? 0) - (second?.[0] ?? 0), 0);
  expect(second?.[0]).toBeGreaterThan(first?.[0] ?? 0);
  expect(second?.[1]).toBeLessThan(first?.[1] ?? 0);
});

test("where a line ends because there is no more, its mark is hollow", () => {
  const ending = { name: "stock", points: [{ x: 10, y: 5, last: true }] };
  expect(lineChart(text, [ending])).toContain('fill="none"');
  expect(lineChart(text, [line("stock", [10, 5])])).not.toContain('fill="none"');
});

test("a line without points is left out, and a chart without any is refused", () => {
  expect(lineChart(text, [line("ours", [10, 5]), line("absent")])).not.toContain("absent");
  expect(() => lineChart(text, [line("absent")])).toThrow("points");
});
