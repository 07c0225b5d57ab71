import uPlot from "uplot";
import { keepSize, shade, styleOf } from "./chart-style.ts";
import { onThemeChange } from "./theme.ts";

export interface TimeChart {
  /** Seconds since 1970, then the values of each line. */
  set(data: uPlot.AlignedData): void;
  destroy(): void;
}

export interface TimeChartOptions {
  /** The style sheet's names of the lines' colours, one for each line. */
  readonly colours: readonly string[];
  /** What the axis says for a value. */
  readonly format: (value: number) => string;
  /** Called with the place in the data under the pointer, null when there is none. */
  readonly onInspect: (index: number | null) => void;
}

/** The last ten minutes. */
const spanSeconds = 600;
/** A process that was just started has not seen more; a line of its first seconds should not fill the page either. */
const spanLeastSeconds = 60;

/** Lines over time; charts of one page share their cursor. */
export function createTimeChart(host: HTMLElement, { colours, format, onInspect }: TimeChartOptions): TimeChart {
  let data: uPlot.AlignedData = [[], ...colours.map(() => [])];
  let plot = build();

  function build(): uPlot {
    const { rem, colour, axis } = styleOf(host);
    return new uPlot(
      {
        width: host.clientWidth,
        height: host.clientHeight,
        padding: [rem * 0.5, rem * 0.25, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          sync: { key: "time" },
          drag: { x: false, y: false, setScale: false },
          points: { size: rem * 0.5 },
        },
        scales: { x: { time: true, auto: false, range: () => spanOf(data) }, y: { range: (_plot, _min, max) => [0, top(max)] } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: rem * 1.6,
            space: rem * 5,
            values: (one, ticks) => timeLabels(one, ticks, rem),
          },
          { ...axis, size: rem * 3.6, space: rem * 2.2, values: (_plot, ticks) => ticks.map(format) },
        ],
        series: [
          {},
          ...colours.map((name, index) => ({
            stroke: colour(name),
            width: Math.max(1.5, rem / 10),
            points: { show: false },
            ...(index === 0 ? { fill: (one: uPlot) => shade(one, colour(name)) } : {}),
          })),
        ],
        hooks: { setCursor: [({ cursor }) => onInspect(cursor.idx ?? null)] },
      },
      data,
      host,
    );
  }

  const rebuild = () => {
    plot.destroy();
    plot = build();
  };
  const endResize = keepSize(host, () => plot, rebuild);
  const endTheme = onThemeChange(rebuild);
  return {
    set(next) {
      data = next;
      plot.setData(next);
    },
    destroy() {
      endResize();
      endTheme();
      plot.destroy();
    },
  };
}

function spanOf([times]: uPlot.AlignedData): uPlot.Range.MinMax {
  const newest = times.at(-1) ?? 0;
  const seen = newest - (times[0] ?? newest);
  return [newest - Math.min(spanSeconds, Math.max(spanLeastSeconds, seen)), newest];
}

/** A round number above the line, and never no height at all. */
function top(max: number | null): number {
  return max === null || max <= 0 ? 1 : (uPlot.rangeNum(0, max, 0.12, true)[1] ?? 1);
}

/** With seconds where minutes would repeat; none so near to the edge that it would be cut. */
function timeLabels(plot: uPlot, [first = 0, second = first + 60, ...rest]: number[], rem: number): string[] {
  const timeStyle = second - first < 60 ? "medium" : "short";
  const edge = plot.bbox.width / devicePixelRatio - rem * (timeStyle === "short" ? 1.2 : 1.9);
  return [first, second, ...rest].map((tick) =>
    plot.valToPos(tick, "x") > edge ? "" : new Date(tick * 1_000).toLocaleTimeString("en-GB", { timeStyle }),
  );
}
