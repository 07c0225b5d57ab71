import type { Machine } from "./machine.ts";
import type { Outcome } from "./outcome.ts";
import { spreadOf } from "./statistics.ts";
import { tableText, wrapped } from "./table.ts";

/** Where and when outcomes were measured: without it they say nothing. */
export interface Circumstances {
  readonly command: string;
  readonly at: Date;
  readonly machine: Machine;
  readonly redis: string;
  /** How many repetitions were wished for. */
  readonly repetitions: number;
}

export function headText({ command, at, machine, redis, repetitions }: Circumstances): string {
  const { cpu, cores, memoryGib, system, load, versions } = machine;
  const { fanfare, ...others } = versions;
  const rest = Object.entries({ ...others, redis }).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `${command}    ${at.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    ...wrapped(`${cores} × ${cpu}, ${memoryGib} GiB, ${system}, load ${load.toFixed(1)}`),
    ...wrapped(`fanfare ${fanfare}, ${rest.join(", ")}`),
    ...wrapped(`Median (min–max) of ${repetitions} runs, contestants in turns; × is the median of ratios within a turn.`),
  ];
  return `${lines.join("\n")}\n\n`;
}

export function outcomeText(outcome: Outcome): string {
  return `${tableText(outcome)}\n`;
}

/** Everything, with the values of each run, for machines to read. */
export function reportJson(circumstances: Circumstances, outcomes: Readonly<Record<string, readonly Outcome[]>>): string {
  const { at, ...rest } = circumstances;
  const scenarios = Object.entries(outcomes).map(([scenario, tables]) => ({
    scenario,
    tables: tables.map(({ series, metrics, ...table }) => ({
      ...table,
      metrics,
      series: series.map((one) => ({
        ...one,
        summary: Object.fromEntries(metrics.map(({ key }) => [key, spreadOf(one.runs.flatMap((run) => run?.[key] ?? []))])),
      })),
    })),
  }));
  return `${JSON.stringify({ date: at.toISOString(), ...rest, scenarios }, undefined, 2)}\n`;
}
