import { createPlot } from "./plot.ts";
import { around, type Range, ticksOf, timeStepOf } from "./ticks.ts";

export interface TimeChart {
  /** Milliseconds since 1970 in order, the values of each line, and the time at which the cursor stands. */
  set(times: readonly number[], lines: readonly (readonly (number | null)[])[], cursor: number | null): void;
  destroy(): void;
}

export interface TimeChartOptions {
  /** The style sheet's names of the lines' colours, one for each line. */
  readonly colours: readonly string[];
  /** What the axis says for a value. */
  readonly format: (value: number) => string;
  /** Called with the time under the pointer, null when there is none. */
  readonly onInspect: (time: number | null) => void;
}

/** The last ten minutes. */
const spanMs = 600_000;
/** A process that was just started has not seen more; a line of its first seconds should not fill the page either. */
const spanLeastMs = 60_000;

/** Lines over time, from zero up. */
export function createTimeChart(host: HTMLElement, { colours, format, onInspect }: TimeChartOptions): TimeChart {
  let xs: readonly number[] = [];
  let lines: readonly (readonly (number | null)[])[] = [];
  let cursor: number | null = null;
  const plot = createPlot(host, {
    colours,
    cursor: () => cursor,
    onInspect,
    look(widthRem, heightRem) {
      const x = spanOf(xs);
      const highest = lines.flat().reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
      // A little above the line; 0 and 1 where nothing happens at all.
      const y = around([0, highest * 1.05 || 1], highest === 0 ? 1 : Math.min(5, Math.max(2, heightRem / 2.2 - 1)));
      const step = timeStepOf(x[1] - x[0], widthRem / 5);
      const timeStyle = step < 60_000 ? "medium" : "short";
      return {
        xs,
        lines,
        x,
        y: y.range,
        xTicks: ticksOf(x, step, (at) => new Date(at).toLocaleTimeString("en-GB", { timeStyle })),
        yTicks: ticksOf(y.range, y.step, format),
      };
    },
  });
  return {
    set(times, values, at) {
      [xs, lines, cursor] = [times, values, at];
      plot.draw();
    },
    destroy: plot.destroy,
  };
}

function spanOf(times: readonly number[]): Range {
  const newest = times.at(-1) ?? 0;
  const seen = newest - (times[0] ?? newest);
  return [newest - Math.min(spanMs, Math.max(spanLeastMs, seen)), newest];
}
