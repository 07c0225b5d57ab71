import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FanfareError } from "@fanfare/domain";
import { figuresOf } from "./capacity/figures.ts";
import type { BenchHost, BenchOptions } from "./host.ts";
import { buildNative } from "./process/native.ts";
import { machine } from "./report/machine.ts";
import { resultsPage } from "./report/markdown.ts";
import type { Outcome } from "./report/outcome.ts";
import { ratesChart } from "./report/rates-chart.ts";
import { type Circumstances, headText, outcomeText, reportJson } from "./report/report.ts";
import { capacity } from "./scenarios/capacity.ts";
import { channels } from "./scenarios/channels.ts";
import { chart, keyOf, rungs } from "./scenarios/chart.ts";
import { fanout } from "./scenarios/fanout.ts";
import { forward } from "./scenarios/forward.ts";
import { idle } from "./scenarios/idle.ts";
import { ingest } from "./scenarios/ingest.ts";
import { latency } from "./scenarios/latency.ts";
import { publish } from "./scenarios/publish.ts";
import { saturate } from "./scenarios/saturate.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { storm } from "./scenarios/storm.ts";

/** The scenarios of a run of all of them, by name and in their order. */
const regular: Readonly<Record<string, Scenario>> = {
  fanout,
  saturate,
  latency,
  publish,
  channels,
  idle,
  forward,
  ingest,
  storm,
};

/**
 * All scenarios. The chart measures what fanout does at more rates, and capacity takes figures for a page of its own, so they run
 * only when they are named.
 */
export const scenarios: Readonly<Record<string, Scenario>> = { ...regular, chart, capacity };

export interface BenchWish extends BenchOptions {
  /** One scenario, or all but the chart. */
  readonly scenario: string | undefined;
  readonly json: boolean;
  /** As it was called, for the report. */
  readonly command: string;
  /** The version of the Redis that the host starts. */
  readonly redisVersion: string;
}

/** What a run leaves behind beside what it wrote. */
export interface BenchDone {
  /** As a page in Markdown, for the chart as SVG, for capacity as JSON. */
  readonly page: string;
}

/** Runs scenarios one after the other and writes each table as soon as it is there; with `json`, one document at the end. */
export async function runBench(wish: BenchWish, host: BenchHost, write: (text: string) => void): Promise<BenchDone> {
  if (process.platform !== "linux") {
    throw new FanfareError("SETTINGS_INVALID", { detail: "The bench reads CPU and memory from /proc: it needs Linux." });
  }
  const { scenario, json, command, redisVersion: redis, repetitions } = wish;
  const chosen = scenario === undefined ? regular : { [scenario]: scenarios[scenario] };
  const circumstances: Circumstances = { command, at: new Date(), machine: machine(), redis, repetitions };
  if (!json) write(headText(circumstances));
  const outcomes: Record<string, readonly Outcome[]> = {};
  const dir = await mkdtemp(join(tmpdir(), "fanfare-bench-"));
  try {
    const native = await buildNative(dir);
    const equipped = native === undefined ? host : { ...host, native };
    for (const [name, one] of Object.entries(chosen)) {
      const progress = (text: string) => host.progress(`${name}: ${text}`);
      const found = (await one?.run({ ...equipped, progress }, wish)) ?? [];
      outcomes[name] = found;
      if (!json) for (const outcome of found) write(outcomeText(outcome));
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  if (json) write(reportJson(circumstances, outcomes));
  if (outcomes.capacity !== undefined)
    return { page: `${JSON.stringify(figuresOf(outcomes.capacity, circumstances), null, 2)}\n` };
  const [charted] = outcomes.chart ?? [];
  if (charted === undefined) return { page: resultsPage(circumstances, outcomes) };
  return {
    page: ratesChart(
      charted,
      rungs.map((rung) => [rung, keyOf(rung)]),
      circumstances,
    ),
  };
}
