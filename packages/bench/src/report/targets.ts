import type { Outcome, Sample } from "./outcome.ts";
import { pairedRatios, type Spread, spreadOf } from "./statistics.ts";

/** A figure that was promised, and where in the outcomes it stands. */
export interface Target {
  readonly what: string;
  readonly scenario: string;
  /** Which of the scenario's tables, from 0. */
  readonly table: number;
  readonly row: string;
  readonly metric: string;
  /** The row it is divided by, run by run. Left out: the figure itself is meant. */
  readonly by?: string;
  /** The most, or the least, that it may be. */
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly unit?: string;
}

const fanfare = "fanfare";
const stock = "stock sharded";

export const targets: readonly Target[] = [
  {
    what: "CPU per delivery at 100 msg/s, against the C floor",
    scenario: "fanout",
    table: 0,
    row: fanfare,
    metric: "micros",
    by: "C floor",
    atMost: 1.5,
  },
  {
    what: "CPU per delivery at 100 msg/s, against stock",
    scenario: "fanout",
    table: 0,
    row: fanfare,
    metric: "micros",
    by: stock,
    atMost: 0.65,
  },
  {
    what: "CPU per delivery at saturation, against stock",
    scenario: "saturate",
    table: 0,
    row: fanfare,
    metric: "micros",
    by: stock,
    atMost: 0.07,
  },
  {
    what: "deliveries of one core at saturation, against stock",
    scenario: "saturate",
    table: 0,
    row: fanfare,
    metric: "perCoreSecond",
    by: stock,
    atLeast: 12,
  },
  {
    what: "p99 at 500 msg/s to 1,000 subscribers on one core",
    scenario: "latency",
    table: 1,
    row: fanfare,
    metric: "p99",
    atMost: 20,
    unit: "ms",
  },
  {
    what: "p99 at 100 msg/s to 1,000 subscribers, against stock",
    scenario: "fanout",
    table: 0,
    row: fanfare,
    metric: "p99",
    by: stock,
    atMost: 1,
  },
  {
    what: "p99 at 100 msg/s to one subscriber, against stock",
    scenario: "latency",
    table: 0,
    row: fanfare,
    metric: "p99",
    by: "stock",
    atMost: 1,
  },
  {
    what: "memory per idle connection, against stock",
    scenario: "idle",
    table: 0,
    row: fanfare,
    metric: "kib",
    by: "stock",
    atMost: 0.55,
  },
  {
    what: "CPU to accept one connection, against stock",
    scenario: "idle",
    table: 0,
    row: fanfare,
    metric: "acceptMicros",
    by: "stock",
    atMost: 0.7,
  },
  {
    what: "CPU of a node per publication with one subscriber, against stock",
    scenario: "publish",
    table: 1,
    row: fanfare,
    metric: "micros",
    by: stock,
    atMost: 0.7,
  },
  {
    what: "CPU per publish over REST, against stock's unstored one",
    scenario: "publish",
    table: 0,
    row: "fanfare, one each",
    metric: "serverMicros",
    by: "stock",
    atMost: 1,
  },
  {
    what: "CPU per publish as NDJSON, against stock's unstored one",
    scenario: "publish",
    table: 0,
    row: "fanfare, NDJSON",
    metric: "serverMicros",
    by: "stock",
    atMost: 0.2,
  },
  {
    what: "messages that a node without subscribers hears per publication",
    scenario: "channels",
    table: 0,
    row: fanfare,
    metric: "emptyHeard",
    // Not 0: its own canaries are among them, and they come by the clock.
    atMost: 0.01,
  },
  {
    what: "publications lost when a node with all clients is killed",
    scenario: "storm",
    table: 0,
    row: fanfare,
    metric: "lost",
    atMost: 0,
  },
];

export interface Measured {
  readonly target: Target;
  readonly found: Spread;
  readonly met: boolean;
}

/** Those targets whose scenario was run and gave a figure. */
export function againstTargets(
  outcomes: Readonly<Record<string, readonly Outcome[]>>,
  all: readonly Target[] = targets,
): Measured[] {
  return all.flatMap((target) => {
    const values = valuesOf(target, outcomes[target.scenario]?.[target.table]);
    if (values.length === 0) return [];
    const found = spreadOf(values);
    const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = target;
    return [{ target, found, met: found.median <= atMost && found.median >= atLeast }];
  });
}

function valuesOf({ row, metric, by }: Target, outcome: Outcome | undefined): number[] {
  const runsOf = (name: string) => outcome?.series.find((series) => series.name === name)?.runs ?? [];
  const of = (runs: readonly (Sample | undefined)[]) => runs.map((run) => run?.[metric]);
  const ours = of(runsOf(row));
  return by === undefined ? ours.filter((value) => value !== undefined) : pairedRatios(ours, of(runsOf(by)));
}
