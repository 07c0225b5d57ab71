import { onThemeChange } from "./theme.ts";
import { nearest, type Range, type Tick } from "./ticks.ts";

/** What is to be seen at one moment. */
export interface Look {
  /** In order. */
  readonly xs: readonly number[];
  /** As long as `xs` each; null interrupts the line. */
  readonly lines: readonly (readonly (number | null)[])[];
  readonly x: Range;
  readonly y: Range;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
}

/** Where things lie, in CSS pixels. */
export interface Frame {
  readonly ctx: CanvasRenderingContext2D;
  readonly rem: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly colour: (name: string) => string;
  readonly font: (sizeRem: number) => string;
}

export interface PlotOptions {
  /** The style sheet's names of the lines' colours, one for each line; the first one's ground is shaded. */
  readonly colours: readonly string[];
  /** Read whenever it is drawn, with the room that there is. */
  readonly look: (widthRem: number, heightRem: number) => Look;
  /** Draws over the lines. */
  readonly over?: (frame: Frame, look: Look) => void;
  /** Where the cursor stands while no pointer says otherwise; null: nowhere. */
  readonly cursor: () => number | null;
  /** Called with the x of the point under the pointer whenever that is another one, null when there is none. */
  readonly onInspect: (x: number | null) => void;
}

export interface Plot {
  draw(): void;
  /** Takes the pointer for gone until it moves again. */
  forgetPointer(): void;
  destroy(): void;
}

/** Lines on a canvas with axes and a cursor, in the colours and the type of the page: a new drawing each time, of some hundred points. */
export function createPlot(host: HTMLElement, { colours, look, over, cursor, onInspect }: PlotOptions): Plot {
  const canvas = document.createElement("canvas");
  const ctx = canvas.getContext("2d");
  if (ctx === null) throw new Error("This browser has nothing to draw on.");
  host.replaceChildren(canvas);
  let style = styleOf(host);
  /** Pixels of the device to one of the style sheet, as the canvas was made for. */
  let ratio = 0;
  /** From the left edge; undefined while there is none. */
  let pointer: number | undefined;
  let told: number | null = null;

  function draw(): void {
    if (ctx === null) return;
    // A window that is moved to another screen keeps its size, so nothing else tells.
    if (ratio !== devicePixelRatio) {
      fit();
      return;
    }
    const { clientWidth: width, clientHeight: height } = host;
    const { rem } = style;
    const seen = look(width / rem, height / rem);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.font = style.font(0.75);
    const widest = Math.max(...seen.yTicks.map(({ label }) => ctx.measureText(label).width));
    const [left, right, top, bottom] = [Math.max(2 * rem, widest + 0.7 * rem), width - 0.5 * rem, 0.75 * rem, height - 1.7 * rem];
    const frame: Frame = {
      ...style,
      ctx,
      left,
      right,
      top,
      bottom,
      x: (value) => left + ((value - seen.x[0]) / (seen.x[1] - seen.x[0])) * (right - left),
      y: (value) => bottom - ((value - seen.y[0]) / (seen.y[1] - seen.y[0])) * (bottom - top),
    };
    drawAxes(frame, seen, width);
    ctx.save();
    ctx.beginPath();
    // The line of what is exactly at the edge has a width too.
    ctx.rect(left, top - rem, right - left + rem, bottom - top + 2 * rem);
    ctx.clip();
    for (const [index, ys] of seen.lines.entries()) drawLine(frame, seen.xs, ys, frame.colour(colours[index] ?? ""), index === 0);
    ctx.restore();
    over?.(frame, seen);
    inspect(frame, seen);
  }

  function inspect(frame: Frame, { xs, lines, x }: Look): void {
    const wanted =
      pointer === undefined ? cursor() : x[0] + ((pointer - frame.left) / (frame.right - frame.left)) * (x[1] - x[0]);
    const index = wanted === null ? undefined : nearest(xs, wanted);
    const at = index === undefined ? null : (xs[index] ?? null);
    if (index !== undefined && at !== null) {
      drawCursor(
        frame,
        at,
        lines.map((ys, line) => [ys[index] ?? null, frame.colour(colours[line] ?? "")] as const),
      );
    }
    // Where the cursor is told from outside, whoever tells it knows.
    const mine = pointer === undefined ? null : at;
    if (mine === told) return;
    told = mine;
    onInspect(mine);
  }

  function fit(): void {
    // A host that has left the page has no style to draw with.
    if (!host.isConnected) return;
    style = styleOf(host);
    ratio = devicePixelRatio;
    canvas.width = Math.round(host.clientWidth * ratio);
    canvas.height = Math.round(host.clientHeight * ratio);
    draw();
  }

  const move = (event: PointerEvent) => {
    pointer = event.clientX - host.getBoundingClientRect().left;
    draw();
  };
  const leave = () => {
    pointer = undefined;
    draw();
  };
  host.addEventListener("pointermove", move);
  host.addEventListener("pointerleave", leave);
  const resized = new ResizeObserver(fit);
  resized.observe(host);
  const endTheme = onThemeChange(fit);
  fit();

  return {
    draw,
    forgetPointer() {
      pointer = undefined;
    },
    destroy() {
      host.removeEventListener("pointermove", move);
      host.removeEventListener("pointerleave", leave);
      resized.disconnect();
      endTheme();
    },
  };
}

/** What is taken from the style sheet; read anew when the size or the theme is another one. */
function styleOf(host: HTMLElement): Pick<Frame, "rem" | "colour" | "font"> {
  const style = getComputedStyle(host);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const family = style.fontFamily;
  const colours = new Map<string, string>();
  return {
    rem,
    font: (sizeRem) => `${sizeRem * rem}px ${family}`,
    colour(name) {
      const known = colours.get(name) ?? style.getPropertyValue(name).trim();
      colours.set(name, known);
      return known;
    },
  };
}

function drawAxes({ ctx, rem, left, right, top, bottom, x, y, colour }: Frame, { xTicks, yTicks }: Look, width: number): void {
  ctx.fillStyle = colour("--muted");
  ctx.strokeStyle = colour("--line");
  ctx.lineWidth = 1;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  ctx.beginPath();
  for (const { at, label } of yTicks) {
    const height = Math.min(bottom, Math.max(top, Math.round(y(at)))) + 0.5;
    ctx.moveTo(left, height);
    ctx.lineTo(right, height);
    ctx.fillText(label, left - 0.5 * rem, height);
  }
  ctx.stroke();
  ctx.textAlign = "center";
  for (const { at, label } of xTicks) {
    const [middle, half] = [x(at), ctx.measureText(label).width / 2];
    // None that would be cut at an edge.
    if (middle - half >= left - rem && middle + half <= width) ctx.fillText(label, middle, bottom + rem);
  }
}

function drawLine(frame: Frame, xs: readonly number[], ys: readonly (number | null)[], colour: string, shaded: boolean): void {
  const { ctx, rem, top, bottom } = frame;
  const line = new Path2D();
  const ground = new Path2D();
  let from: number | undefined;
  let to = 0;
  const endGround = () => {
    if (from === undefined) return;
    ground.lineTo(to, bottom);
    ground.lineTo(from, bottom);
    from = undefined;
  };
  for (const [index, value] of ys.entries()) {
    if (value === null) {
      endGround();
      continue;
    }
    const [left, height] = [frame.x(xs[index] ?? 0), frame.y(value)];
    if (from === undefined) {
      line.moveTo(left, height);
      ground.moveTo(left, height);
      from = left;
    } else {
      line.lineTo(left, height);
      ground.lineTo(left, height);
    }
    to = left;
  }
  endGround();
  if (shaded) {
    ctx.fillStyle = shade(ctx, colour, top, bottom);
    ctx.fill(ground);
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = Math.max(1.75, rem / 9);
  ctx.lineJoin = "round";
  ctx.stroke(line);
}

/** Fades towards the ground, so that the line is what one sees. Never to 0 %, which is black and would grey the way there. */
function shade(ctx: CanvasRenderingContext2D, colour: string, top: number, bottom: number): CanvasGradient {
  const gradient = ctx.createLinearGradient(0, top, 0, bottom);
  gradient.addColorStop(0, `color-mix(in srgb, ${colour} 20%, transparent)`);
  gradient.addColorStop(1, `color-mix(in srgb, ${colour} 1%, transparent)`);
  return gradient;
}

/** A dot, with a ring around it. */
export function drawDot({ ctx, rem }: Frame, left: number, top: number, fill: string, ring: string, ringRem: number): void {
  for (const [radius, colour] of [
    [0.25 + ringRem, ring],
    [0.25, fill],
  ] as const) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(left, top, radius * rem, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function drawCursor(frame: Frame, at: number, points: readonly (readonly [value: number | null, colour: string])[]): void {
  const { ctx, top, bottom, left, right, x, y, colour } = frame;
  const place = x(at);
  if (place < left - 1 || place > right + 1) return;
  ctx.strokeStyle = colour("--edge");
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(Math.round(place) + 0.5, top);
  ctx.lineTo(Math.round(place) + 0.5, bottom);
  ctx.stroke();
  for (const [value, fill] of points) if (value !== null) drawDot(frame, place, y(value), fill, colour("--panel"), 0.12);
}
