import type { BenchHost, BenchOptions } from "../host.ts";
import { Stage } from "../process/stage.ts";
import type { Outcome, Sample, Series } from "../report/outcome.ts";
import { type Contestant, interleaved } from "../report/repetitions.ts";
import { median } from "../report/statistics.ts";

export interface Scenario {
  /** What is measured, in a few words. */
  readonly about: string;
  /** Rejects when a part does not start, or when the host's signal says so. Everything it started is ended then, too. */
  run(host: BenchHost, options: BenchOptions): Promise<Outcome[]>;
}

/** What a scenario works with. */
export interface Bench {
  readonly stage: Stage;
  readonly repeat: Repeat;
}

/** Runs the contestants in turns. `share` is how much of the scenario's time may have passed when they end. */
export type Repeat = (contestants: readonly Contestant[], share?: number) => Promise<Series[]>;

/** The scenario's time begins now. */
export function repeater({ signal, progress }: BenchHost, { repetitions, budgetMs }: BenchOptions): Repeat {
  const started = performance.now();
  return (contestants, share = 1) =>
    interleaved(contestants, { repetitions, deadline: started + budgetMs * share, signal, progress: (text) => progress(text) });
}

/** How long, or how often, where it only has to be seen that everything works. */
export function briefly({ quick }: BenchOptions, measure: number): number {
  return quick ? Math.ceil(measure / 8) : measure;
}

/** Opens a stage, lets `act` work on it, and ends everything that it started: after it, when it fails, or when told to stop. */
export async function onStage<Result>(
  host: BenchHost,
  options: BenchOptions,
  act: (bench: Bench) => Promise<Result>,
): Promise<Result> {
  const { signal } = host;
  const repeat = repeater(host, options);
  const stage = await Stage.open(host);
  const told = new AbortController();
  // Children that are ended on purpose answer nothing more, so whoever waits for an answer must not be waited for.
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: told.signal });
  });
  try {
    return await Promise.race([act({ stage, repeat }), stopped]);
  } finally {
    told.abort();
    await stage.end();
  }
}

/** A sentence on what else the machine did while the runs took place. */
export function foreignNote(series: readonly Series[]): string {
  const shares = series.flatMap(({ runs }) => runs.flatMap((run: Sample | undefined) => run?.foreignShare ?? []));
  return `Other processes used ${median(shares).toFixed(2)} of a core meanwhile (median of the runs, most ${Math.max(0, ...shares).toFixed(2)}).`;
}
