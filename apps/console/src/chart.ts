import uPlot from "uplot";
import { keepSize, shade, styleOf } from "./chart-style.ts";
import { onThemeChange } from "./theme.ts";
import type { PointWindow } from "./window.ts";

/** Something that happened between two publications. */
export interface Mark {
  /** Of the last one before it. */
  readonly offset: number;
  readonly label: string;
}

export interface ChartOptions {
  readonly points: PointWindow;
  /** Points from edge to edge. */
  readonly span: number;
  /** What to mark, newest last; read whenever the line is drawn. */
  readonly marks: () => readonly Mark[];
  /** Called with the offset under the pointer or the keyboard's cursor, null when there is none. */
  readonly onInspect: (offset: number | null) => void;
}

export interface Chart {
  /** Moves the cursor by points, from the newest when there was none. */
  step(by: number): void;
  /** Puts the cursor away. */
  release(): void;
  destroy(): void;
}

/** How fast the picture follows a new point: the time in which it closes all but a third of the distance. */
const glideMs = 90;
/** Free room on the right, in points, for the newest one's dot. */
const margin = 2.5;

/**
 * The line of a window's points over their offsets, drawn outside the page's component tree: one loop looks at every frame
 * whether something is to be moved, so neither the rate of publications nor the page's rendering matters to it.
 */
export function createChart(host: HTMLElement, { points, span, marks, onInspect }: ChartOptions): Chart {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** The offset that the keyboard's cursor stays on while the line moves. */
  let pinned: number | null = null;
  let plot = build();
  let drawn = -1;
  let edge = points.newest;
  let last = performance.now();
  let frame = requestAnimationFrame(draw);

  function build(): uPlot {
    host.replaceChildren();
    return new uPlot(options(host, span, marks, inspect), [[], []], host);
  }

  function rebuild(): void {
    plot.destroy();
    plot = build();
    drawn = -1;
  }

  function inspect(offset: number | null): void {
    onInspect(offset);
  }

  function draw(now: number): void {
    frame = requestAnimationFrame(draw);
    const elapsedMs = now - last;
    last = now;
    const behind = points.newest - edge;
    const arrived = Math.abs(behind) < 0.01;
    if (arrived && drawn === points.version) return;
    // A window that was just filled or cleared is no motion to follow.
    edge =
      arrived || still.matches || Math.abs(behind) > span / 4
        ? points.newest
        : edge + behind * (1 - Math.exp(-elapsedMs / glideMs));
    plot.batch(() => {
      if (drawn !== points.version) plot.setData(points.read(), false);
      drawn = points.version;
      plot.setScale("x", { min: edge - span + 1, max: edge + margin });
    });
    if (pinned !== null) showPin();
  }

  function showPin(): void {
    if (pinned !== null && pinned < points.oldest) pinned = null;
    if (pinned === null) plot.setCursor({ left: -10, top: -10 });
    else plot.setCursor({ left: plot.valToPos(pinned, "x"), top: plot.valToPos(points.at(pinned) ?? 0, "y") });
  }

  const unpin = () => {
    pinned = null;
  };
  host.addEventListener("pointermove", unpin);
  const endResize = keepSize(host, () => plot, rebuild);
  const endTheme = onThemeChange(rebuild);

  return {
    step(by) {
      const from = pinned ?? points.newest + (by < 0 ? 1 : 0);
      pinned = Math.min(points.newest, Math.max(points.oldest, from + by));
      showPin();
    },
    release() {
      unpin();
      showPin();
    },
    destroy() {
      cancelAnimationFrame(frame);
      endTheme();
      endResize();
      host.removeEventListener("pointermove", unpin);
      plot.destroy();
    },
  };
}

function options(
  host: HTMLElement,
  span: number,
  marks: () => readonly Mark[],
  inspect: (offset: number | null) => void,
): uPlot.Options {
  const { rem, colour, axis } = styleOf(host);
  const trace = colour("--trace");
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [rem * 0.75, rem * 0.5, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      points: { size: rem * 0.6, fill: trace, stroke: colour("--panel"), width: 2 },
    },
    scales: { x: { time: false, auto: false, min: 0, max: span }, y: { range: (_plot, min, max) => heightRange(min, max) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: rem * 1.75,
        space: rem * 3.6,
        values: (plot, ticks) => offsetLabels(plot, ticks, rem * 2),
      },
      { ...axis, size: rem * 2.25, space: rem * 3.2 },
    ],
    series: [{}, { stroke: trace, width: Math.max(2, rem / 8), fill: (plot) => shade(plot, trace), points: { show: false } }],
    hooks: {
      draw: [
        (plot) =>
          drawMarks(plot, marks(), colour("--marked"), `${rem * 0.7 * devicePixelRatio}px ${getComputedStyle(host).fontFamily}`),
        (plot) => drawHead(plot, trace, rem),
      ],
      setCursor: [(plot) => inspect(plot.cursor.idx == null ? null : (plot.data[0][plot.cursor.idx] ?? null))],
    },
  };
}

/** No label of half an offset, of none at all, or so near to an edge that it would be cut. */
function offsetLabels(plot: uPlot, ticks: number[], edgePx: number): string[] {
  const width = plot.bbox.width / devicePixelRatio;
  return ticks.map((tick) => {
    const left = plot.valToPos(tick, "x");
    const fits = left > edgePx / 2 && left < width - edgePx;
    return fits && Number.isInteger(tick) && tick > 0 ? tick.toLocaleString("en") : "";
  });
}

/** Steady while the line stays within: whole numbers around it, and never no height at all. */
function heightRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 5];
  const [low = 0, high = 1] = uPlot.rangeNum(min, max, 0.06, true);
  return [low, high];
}

/** A line between two points for each mark, with its label at the top; labels that would lie on one another take turns in height. */
function drawMarks(plot: uPlot, marks: readonly Mark[], colour: string, font: string): void {
  const { ctx, bbox } = plot;
  const { min = 0, max = 0 } = plot.scales.x ?? {};
  ctx.save();
  ctx.font = font;
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  const line = Number.parseFloat(font) * 1.35;
  for (const [index, { offset, label }] of marks.entries()) {
    if (min === null || max === null || offset < min || offset > max) continue;
    const left = Math.round(plot.valToPos(offset + 0.5, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    const fits = left + ctx.measureText(label).width + line < bbox.left + bbox.width;
    ctx.textAlign = fits ? "left" : "right";
    ctx.fillText(label, left + (fits ? 0.4 : -0.4) * line, bbox.top + line * (1 + (index % 3)));
  }
  ctx.restore();
}

/** The newest point. */
function drawHead(plot: uPlot, trace: string, rem: number): void {
  const [offsets, ys] = plot.data;
  const y = ys?.at(-1);
  const offset = offsets.at(-1);
  if (y == null || offset === undefined) return;
  const { ctx } = plot;
  const scale = devicePixelRatio * rem;
  const left = plot.valToPos(offset, "x", true);
  const top = plot.valToPos(y, "y", true);
  ctx.save();
  ctx.fillStyle = trace;
  for (const [radius, alpha] of [
    [0.55, 0.2],
    [0.25, 1],
  ] as const) {
    ctx.globalAlpha = alpha;
    ctx.beginPath();
    ctx.arc(left, top, radius * scale, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}
