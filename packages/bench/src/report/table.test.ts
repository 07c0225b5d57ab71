import { expect, test } from "vitest";
import type { Outcome } from "./outcome.ts";
import { columns, tableText, wrapped } from "./table.ts";

const metrics = [
  { key: "rate", title: "deliveries\na second", digits: 0, spread: true },
  { key: "micros", title: "server CPU\nµs/delivery", digits: 2, spread: true },
  { key: "p99", title: "p99\nms", digits: 1 },
] as const;

const outcome: Outcome = {
  title: "fanout: 1,000 subscribers",
  metrics,
  series: [
    {
      name: "fanfare, batch of 100",
      runs: [{ rate: 2_100_000, micros: 4, p99: 40.25 }, undefined, { rate: 2_300_000, micros: 6, p99: 38 }],
      discarded: ["reader late", "reader late"],
    },
    {
      name: "stock",
      runs: [{ rate: 140_000, micros: 8, p99: 90 }, { micros: 8 }, { rate: 150_000, micros: 10, p99: 95 }],
      discarded: [],
    },
    { name: "gone", runs: [undefined], discarded: ["0 of 10 deliveries"] },
  ],
  ratio: { of: "micros", to: "stock" },
  notes: ["A note that says what was measured and what was not, and goes on for longer than one line of a terminal is wide."],
};

test("a table shows medians, ratios to the control, and as many spreads as fit 80 columns", () => {
  expect(tableText(outcome)).toMatchInlineSnapshot(`
    "fanout: 1,000 subscribers

                                                deliveries   server CPU   p99      ×
                                                  a second  µs/delivery    ms  stock
    ---------------------  -------------------------------  -----------  ----  -----
    fanfare, batch of 100  2,200,000 (2,100,000–2,300,000)         5.00  39.1   0.55
    stock                        145,000 (140,000–150,000)         8.00  92.5
    gone                                                 –            –     –

    A note that says what was measured and what was not, and goes on for longer than
    one line of a terminal is wide.
    Discarded of fanfare, batch of 100: 2 (reader late).
    Discarded of gone: 1 (0 of 10 deliveries).
    "
  `);
});

test("no line is wider than a terminal, and none ends in blanks", () => {
  for (const line of tableText(outcome).split("\n")) {
    expect(line.length).toBeLessThanOrEqual(columns);
    expect(line).toBe(line.trimEnd());
  }
});

test("long text breaks at blanks only, and none of it is lost", () => {
  const text = "one two three four five six";
  const lines = wrapped(text, 10);
  expect(lines).toEqual(["one two", "three four", "five six"]);
  expect(lines.join(" ")).toBe(text);
});
