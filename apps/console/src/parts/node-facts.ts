import type { NodeRecord, Stats } from "@fanfare/domain";
import { age, brief, bytes, duration, nothing } from "./format.ts";

/** A node in figures: as it last said itself, and where it has not yet, as its lease says. */
export interface NodeFacts {
  readonly connections: number;
  readonly latency: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

export function factsOf({ node, connections }: NodeRecord, stats: Stats | undefined): NodeFacts {
  const said = stats?.processes.find(({ process }) => process === node);
  const health = said?.health;
  const { latencyMs, canaryAgeMs } = health ?? {};
  const shown = (value: number | null | undefined, format: (value: number) => string) =>
    value == null ? nothing : format(value);
  return {
    connections: said === undefined ? connections : said.websocket + said.polling,
    latency: latencyMs == null ? nothing : `${duration(latencyMs.p50)}, ${duration(latencyMs.p99)}`,
    facts: [
      ["Deliveries / s", shown(said?.deliveriesPerSecond, brief)],
      ["CPU", shown(health?.cpuPercent, (percent) => `${Math.round(percent)} %`)],
      ["Event loop p99", shown(health?.loopDelayMs, duration)],
      ["Memory", shown(health?.memoryBytes, bytes)],
      ["Unsent", shown(health?.unsentBytes, bytes)],
      ["Canary came back", shown(canaryAgeMs, (ms) => `${age(ms)} ago`)],
    ],
  };
}
