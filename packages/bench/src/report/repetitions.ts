import type { Sample, Series } from "./outcome.ts";

export type Run = { readonly sample: Sample } | { readonly discard: string };

export interface Contestant {
  readonly name: string;
  run(): Promise<Run>;
}

export interface RepetitionOptions {
  readonly repetitions: number;
  /** On the clock of `performance.now()`. No repetition is begun after it, but the first always is. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

/** How often all runs of one contestant together may be repeated because they did not count. */
const sparesMax = 3;

/**
 * Runs all contestants in each repetition, in turns forwards and backwards, so that what changes on the machine over
 * time meets all of them alike. A run that does not count is repeated at once while there are spares.
 */
export async function interleaved(contestants: readonly Contestant[], options: RepetitionOptions): Promise<Series[]> {
  const { repetitions, deadline, signal, progress } = options;
  const all = contestants.map(({ name }) => ({ name, runs: [] as (Sample | undefined)[], discarded: [] as string[] }));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    if (repetition > 0 && performance.now() > deadline) break;
    const order = contestants.map((contestant, index) => ({ contestant, series: all[index] }));
    if (repetition % 2 === 1) order.reverse();
    for (const { contestant, series } of order) {
      if (series === undefined) continue;
      progress(`${repetition + 1}/${repetitions} ${contestant.name}`);
      series.runs.push(await validRun(contestant, series.discarded, signal));
    }
  }
  return all;
}

async function validRun(contestant: Contestant, discarded: string[], signal: AbortSignal): Promise<Sample | undefined> {
  for (;;) {
    signal.throwIfAborted();
    const run = await contestant.run();
    if ("sample" in run) return run.sample;
    discarded.push(run.discard);
    if (discarded.length > sparesMax) return undefined;
  }
}
