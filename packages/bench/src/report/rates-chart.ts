import { type ChartLine, lineChart } from "./chart.ts";
import type { Outcome, Series } from "./outcome.ts";
import type { Circumstances } from "./report.ts";
import { median } from "./statistics.ts";

/** The outcome of the scenario `chart` as a picture: a line for each contestant, medians of its runs. */
export function ratesChart(
  outcome: Outcome,
  rungs: readonly (readonly [rate: number, key: string])[],
  at: Circumstances,
): string {
  const { cpu, cores } = at.machine;
  const lines = outcome.series.map((series, index): ChartLine => {
    const points = rungs.map(([x, key]) => ({ x, y: middle(series, key) })).filter(({ y }) => !Number.isNaN(y));
    const full = { x: middle(series, "fullRate"), y: middle(series, "fullMicros"), last: true };
    // In some runs a core may be full at a rung that others still climbed.
    const below = Number.isNaN(full.x) ? points : points.filter(({ x }) => x < full.x);
    return { name: series.name, points: Number.isNaN(full.x) ? below : [...below, full], ...(index === 0 ? { ours: true } : {}) };
  });
  return lineChart(
    {
      title: "What one delivery costs the server",
      x: "messages a second",
      y: "CPU µs per delivery",
      notes: [
        `${outcome.title.replace(/^chart: server CPU µs\/delivery, /, "")}, one core. Hollow: where the core is full. Lower is better.`,
        `${at.command}, ${at.at.toISOString().slice(0, 10)}, ${cores} × ${cpu}`,
      ],
    },
    lines,
  );
}

function middle({ runs }: Series, key: string): number {
  return median(runs.flatMap((run) => run?.[key] ?? []));
}
