/** From, to. */
export type Range = readonly [min: number, max: number];

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** What clocks are read in, in milliseconds. */
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].map((seconds) => seconds * 1_000);

/** The smallest of 1, 2 and 5 times a power of ten that divides `span` into no more than `parts`. */
export function stepOf(span: number, parts: number): number {
  const least = span / Math.max(1, parts);
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((times) => times * power >= least * 0.999) ?? 10);
}

/** The same for milliseconds, in steps of a clock. */
export function timeStepOf(span: number, parts: number): number {
  return timeSteps.find((step) => step * parts >= span) ?? 600_000;
}

/** Every multiple of the step within. */
export function ticksOf([min, max]: Range, step: number, label: (at: number) => string): readonly Tick[] {
  const first = Math.ceil(min / step - 1e-9);
  const length = Math.max(0, Math.floor(max / step + 1e-9) - first + 1);
  return Array.from({ length }, (_, index) => {
    // Without the noise that 3 * 0.1 has.
    const at = Number(((first + index) * step).toPrecision(12));
    return { at, label: label(at) };
  });
}

/** Whole steps around what is drawn, so that the axis stands still while the line stays within; never no height at all. */
export function around([min, max]: Range, parts: number): { readonly range: Range; readonly step: number } {
  const size = Math.max(Math.abs(min), Math.abs(max));
  // What differs by less than a millionth is drawn as a flat line: no number has places for more ticks.
  const span = max - min > Math.max(1e-6 * size, 1e-12) ? max - min : size > 1e-12 ? size : 1;
  const step = stepOf(span, parts);
  const low = Math.floor(min / step + 1e-9) * step;
  return { range: [low, Math.max(low + step, Math.ceil(max / step - 1e-9) * step)], step };
}

/** The place of the value that is nearest, in a list in order; undefined in an empty one. */
export function nearest(sorted: readonly number[], wanted: number): number | undefined {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [left = 0, right = 0] = [sorted[middle], sorted[middle + 1]];
    if (wanted - left > right - wanted) low = middle + 1;
    else high = middle;
  }
  return sorted.length === 0 ? undefined : low;
}
