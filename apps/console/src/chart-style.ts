import type uPlot from "uplot";

/** What charts take from the style sheet, read when they are made. */
export interface ChartStyle {
  /** Pixels of one rem. */
  readonly rem: number;
  readonly colour: (name: string) => string;
  readonly axis: uPlot.Axis;
}

function remPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}

export function styleOf(host: HTMLElement): ChartStyle {
  const style = getComputedStyle(host);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const rem = remPx();
  host.dataset.rem = String(rem);
  return {
    rem,
    colour,
    axis: {
      stroke: colour("--muted"),
      font: `${rem * 0.75}px ${style.fontFamily}`,
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      gap: rem * 0.5,
    },
  };
}

/** Fades towards the ground, so that the line is what one sees. Never to 0 %, which is black and would grey the way there. */
export function shade({ ctx, bbox }: uPlot, colour: string): CanvasGradient {
  const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
  gradient.addColorStop(0, `color-mix(in srgb, ${colour} 20%, transparent)`);
  gradient.addColorStop(1, `color-mix(in srgb, ${colour} 1%, transparent)`);
  return gradient;
}

/** Keeps a chart as large as its host and as it was made: text follows the page's, which uPlot takes only when it is made. */
export function keepSize(host: HTMLElement, plot: () => uPlot, rebuild: () => void): () => void {
  const resize = new ResizeObserver(() => {
    if (remPx() === Number(host.dataset.rem)) plot().setSize({ width: host.clientWidth, height: host.clientHeight });
    else rebuild();
  });
  resize.observe(host);
  return () => resize.disconnect();
}
