import { expect, test } from "vitest";
import { resultsPage } from "./markdown.ts";
import type { Outcome, Sample } from "./outcome.ts";
import { againstTargets, type Target, targets } from "./targets.ts";

const series = (name: string, ...runs: (Sample | undefined)[]) => ({ name, runs, discarded: [] });
const outcome: Outcome = {
  title: "fanout: a title",
  metrics: [{ key: "micros", title: "µs", digits: 2 }],
  series: [
    series("fanfare", { micros: 3, p99: 9 }, { micros: 4, p99: 12 }, { micros: 6, p99: 30 }),
    series("stock", { micros: 6 }, undefined, { micros: 6 }),
  ],
  ratio: [],
  notes: [],
};
const target: Target = {
  what: "a figure",
  scenario: "fanout",
  table: 0,
  row: "fanfare",
  metric: "micros",
  by: "stock",
  atMost: 0.7,
};

test("a target is compared with the ratios within repetitions, and one that a side lacks is left out", () => {
  expect(againstTargets({ fanout: [outcome] }, [target])).toEqual([
    { target, found: { median: 0.75, min: 0.5, max: 1, count: 2 }, met: false },
  ]);
  expect(againstTargets({ fanout: [outcome] }, [{ ...target, atMost: 0.75 }])[0]?.met).toBe(true);
});

test("a target without a control is about the figure itself, and may be a least as well", () => {
  const { by: _, atMost: __, ...itself } = target;
  const [found] = againstTargets({ fanout: [outcome] }, [{ ...itself, metric: "p99", atLeast: 13 }]);
  expect(found).toMatchObject({ found: { median: 12 }, met: false });
});

test("a target whose scenario was not run, or whose row gave nothing, is not spoken of", () => {
  expect(againstTargets({}, [target])).toEqual([]);
  expect(againstTargets({ fanout: [outcome] }, [{ ...target, row: "nobody" }])).toEqual([]);
});

test("every target has one bound", () => {
  for (const { atMost, atLeast } of targets) expect([atMost, atLeast].filter((bound) => bound !== undefined)).toHaveLength(1);
});

test("the page of results has the targets that were measured, and every table", () => {
  const machine = { cpu: "a processor", cores: 2, memoryGib: 4, system: "Linux 6", load: 0, versions: { fanfare: "0.1.0" } };
  const at = { command: "fanfare bench", at: new Date(0), machine, redis: "7", repetitions: 3 };
  const renamed = {
    ...outcome,
    series: outcome.series.map((one) => (one.name === "stock" ? { ...one, name: "stock sharded" } : one)),
  };
  const page = resultsPage(at, { fanout: [renamed] });
  expect(page).toContain("| CPU per delivery at 100 msg/s, against stock | ≤ 0.65 × | 0.75 (0.50–1.00) × | missed |");
  expect(page).toContain("fanout: a title");
  expect(page).not.toContain("saturate");
});
