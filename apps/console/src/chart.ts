import { createPlot, drawDot, type Frame, type Look } from "./plot.ts";
import { around, stepOf, ticksOf } from "./ticks.ts";
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
  let drawn = -1;
  let edge = points.newest;
  const plot = createPlot(host, {
    colours: ["--trace"],
    cursor: () => pinned,
    onInspect: (offset) => onInspect(offset ?? pinned),
    look: lookAt,
    over(frame, look) {
      drawMarks(frame, look, marks());
      drawHead(frame, look);
    },
  });
  let last = performance.now();
  let frame = requestAnimationFrame(draw);

  function lookAt(widthRem: number, heightRem: number): Look {
    const [xs, ys] = points.read();
    const x = [edge - span + 1, edge + margin] as const;
    const y = around(heightsOf(ys), Math.min(6, Math.max(2, heightRem / 3.2)));
    return {
      xs,
      lines: [ys],
      x,
      y: y.range,
      // No label of half an offset, and none of the offset 0, which there is not.
      xTicks: ticksOf(x, Math.max(1, stepOf(span, Math.min(12, widthRem / 3.6))), (at) =>
        at > 0 ? at.toLocaleString("en") : "",
      ),
      yTicks: ticksOf(y.range, y.step, (at) => at.toLocaleString("en")),
    };
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
    drawn = points.version;
    if (pinned !== null && pinned < points.oldest) pin(null);
    plot.draw();
  }

  function pin(offset: number | null): void {
    if (pinned === offset) return;
    pinned = offset;
    onInspect(offset);
  }

  const unpin = () => pin(null);
  host.addEventListener("pointermove", unpin);
  return {
    step(by) {
      const from = pinned ?? points.newest + (by < 0 ? 1 : 0);
      plot.forgetPointer();
      pin(Math.min(points.newest, Math.max(points.oldest, from + by)));
      plot.draw();
    },
    release() {
      unpin();
      plot.draw();
    },
    destroy() {
      cancelAnimationFrame(frame);
      host.removeEventListener("pointermove", unpin);
      plot.destroy();
    },
  };
}

function heightsOf(ys: readonly (number | null)[]): readonly [number, number] {
  const known = ys.filter((y) => y !== null);
  return known.length === 0 ? [0, 5] : [Math.min(...known), Math.max(...known)];
}

/** A line between two points for each mark, with its label at the top; labels that would lie on one another take turns in height. */
function drawMarks({ ctx, rem, right, top, bottom, x, font, colour }: Frame, { x: [min, max] }: Look, marks: readonly Mark[]) {
  ctx.save();
  ctx.font = font(0.7);
  ctx.strokeStyle = ctx.fillStyle = colour("--marked");
  ctx.lineWidth = 1;
  ctx.setLineDash([4, 3]);
  for (const [index, { offset, label }] of marks.entries()) {
    if (offset < min || offset > max) continue;
    const left = Math.round(x(offset + 0.5)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(left, top);
    ctx.lineTo(left, bottom);
    ctx.stroke();
    const fits = left + ctx.measureText(label).width + rem < right;
    ctx.textAlign = fits ? "left" : "right";
    ctx.fillText(label, left + (fits ? 0.35 : -0.35) * rem, top + rem * (0.5 + (index % 3)));
  }
  ctx.restore();
}

/** The newest point. */
function drawHead(frame: Frame, { xs, lines: [ys] }: Look): void {
  const [offset, y] = [xs.at(-1), ys?.at(-1)];
  if (y == null || offset === undefined) return;
  const trace = frame.colour("--trace");
  drawDot(frame, frame.x(offset), frame.y(y), trace, `color-mix(in srgb, ${trace} 22%, transparent)`, 0.3);
}
