import { createHistogram, type IntervalHistogram, monitorEventLoopDelay, type RecordableHistogram } from "node:perf_hooks";
import type { NodeHealth, Seq } from "@fanfare/domain";

/** How finely the event loop is looked at; what is in time counts as late by so much and is taken off. */
const resolutionMs = 10;

/** What the keeper of connections and the fan-out know. */
export interface HealthSources {
  readonly unsentBytes: number;
  readonly canaryAgeMs: number | undefined;
}

/** How this process does, from one question to the next. */
export class HealthMeter {
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  /** Microseconds. */
  readonly #latency: RecordableHistogram = createHistogram();
  readonly #nowMs: () => number;
  #cpu = process.cpuUsage();
  #askedAtMs = performance.now();

  /** `nowMs`: since 1970. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#loop.enable();
  }

  /** Told of every publication that was written to connections. Answers how many ms it took to here. On the hot path. */
  delivered(seq: Seq): number {
    // The clock tells whole milliseconds that have passed: half of one more, on the average. Clocks may also disagree.
    const micros = Math.max(1, Math.round((this.#nowMs() + 0.5) * 1_000 - seq));
    this.#latency.record(micros);
    return micros / 1_000;
  }

  /** Over the time since the last call. */
  take({ unsentBytes, canaryAgeMs }: HealthSources): NodeHealth {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const elapsedMs = Math.max(1, now - this.#askedAtMs);
    const health: NodeHealth = {
      cpuPercent: tenths((user + system) / 10 / elapsedMs),
      loopDelayMs: tenths(Math.max(0, this.#loop.percentile(99) / 1e6 - resolutionMs)),
      memoryBytes: process.memoryUsage.rss(),
      unsentBytes,
      canaryAgeMs: canaryAgeMs === undefined ? null : Math.round(canaryAgeMs),
      latencyMs:
        this.#latency.count === 0
          ? null
          : { p50: tenths(this.#latency.percentile(50) / 1_000), p99: tenths(this.#latency.percentile(99) / 1_000) },
    };
    this.#cpu = process.cpuUsage();
    this.#askedAtMs = now;
    this.#loop.reset();
    this.#latency.reset();
    return health;
  }

  stop(): void {
    this.#loop.disable();
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
