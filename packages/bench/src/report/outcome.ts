/** One number that is taken of each run. */
export interface Metric {
  readonly key: string;
  /** Head of its column, one or two lines. */
  readonly title: string;
  /** Digits after the point. */
  readonly digits: number;
  /** Whether the table shows min and max beside the median. JSON always has all values. */
  readonly spread?: true;
}

/** What one run of one contestant gave, by metric. */
export type Sample = Readonly<Record<string, number>>;

/** All runs of one contestant. A repetition without a valid run is undefined. */
export interface Series {
  readonly name: string;
  readonly runs: readonly (Sample | undefined)[];
  /** Runs that did not count, each with its reason. */
  readonly discarded: readonly string[];
}

export interface Ratio {
  /** Key of the metric. */
  readonly of: string;
  /** Name of the control's series. A table without it has no such column. */
  readonly to: string;
  /** Head of the column, when the control's name would be too long for one. */
  readonly title?: string;
}

/** One table of a report. */
export interface Outcome {
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly series: readonly Series[];
  /** A column each with the ratio of a metric to that of a control, paired by repetition. */
  readonly ratio: Ratio | readonly Ratio[];
  readonly notes: readonly string[];
}

/** The ratios of a table whose control took part. */
export function ratiosOf({ ratio, series }: Pick<Outcome, "ratio" | "series">): readonly Ratio[] {
  return [ratio].flat().filter(({ to }) => series.some(({ name }) => name === to));
}
