import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FanfareError } from "@fanfare/domain";
import type { BenchHost, BenchOptions } from "./host.ts";
import { buildNative } from "./process/native.ts";
import { machine } from "./report/machine.ts";
import type { Outcome } from "./report/outcome.ts";
import { type Circumstances, headText, outcomeText, reportJson } from "./report/report.ts";
import { channels } from "./scenarios/channels.ts";
import { fanout } from "./scenarios/fanout.ts";
import { forward } from "./scenarios/forward.ts";
import { idle } from "./scenarios/idle.ts";
import { latency } from "./scenarios/latency.ts";
import { publish } from "./scenarios/publish.ts";
import { saturate } from "./scenarios/saturate.ts";
import type { Scenario } from "./scenarios/scenario.ts";

/** All scenarios by name, in the order in which they run. */
export const scenarios: Readonly<Record<string, Scenario>> = { publish, latency, fanout, saturate, channels, forward, idle };

export interface BenchWish extends BenchOptions {
  /** One scenario, or all of them. */
  readonly scenario: string | undefined;
  readonly json: boolean;
  /** As it was called, for the report. */
  readonly command: string;
  /** The version of the Redis that the host starts. */
  readonly redisVersion: string;
}

/** Runs scenarios one after the other and writes each table as soon as it is there; with `json`, one document at the end. */
export async function runBench(wish: BenchWish, host: BenchHost, write: (text: string) => void): Promise<void> {
  if (process.platform !== "linux") {
    throw new FanfareError("SETTINGS_INVALID", { detail: "The bench reads CPU and memory from /proc: it needs Linux." });
  }
  const { scenario, json, command, redisVersion: redis, repetitions } = wish;
  const chosen = Object.entries(scenarios).filter(([name]) => scenario === undefined || name === scenario);
  const circumstances: Circumstances = { command, at: new Date(), machine: machine(), redis, repetitions };
  if (!json) write(headText(circumstances));
  const outcomes: Record<string, readonly Outcome[]> = {};
  const dir = await mkdtemp(join(tmpdir(), "fanfare-bench-"));
  try {
    const native = await buildNative(dir);
    for (const [name, { run }] of chosen) {
      const progress = (text: string) => host.progress(`${name}: ${text}`);
      const found = await run({ ...host, progress, ...(native === undefined ? {} : { native }) }, wish);
      outcomes[name] = found;
      if (!json) for (const outcome of found) write(outcomeText(outcome));
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  if (json) write(reportJson(circumstances, outcomes));
}
