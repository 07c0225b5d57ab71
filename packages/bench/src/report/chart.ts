/** A line of a chart. */
export interface ChartLine {
  readonly name: string;
  readonly points: readonly ChartPoint[];
  /** Drawn stronger than the others. */
  readonly ours?: boolean;
}

interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Where the line ends because there is no more: drawn hollow. */
  readonly last?: boolean;
}

export interface ChartText {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Below the chart, a line each. */
  readonly notes: readonly string[];
}

const size = { width: 760, height: 470 } as const;
const plot = { left: 64, right: 740, top: 92, bottom: 380 } as const;
/** Grey and middling colours read on white and on black alike; the shapes tell lines apart without any. */
const ink = "#7d8590";
const ours = { colour: "#e0562b", width: 3 };
const others = ["#3b82c4", "#8a63d2", "#2f9e6e", "#a08430", "#c2528b"] as const;
const shapes = ["circle", "square", "triangle", "diamond", "cross"] as const;

/** A chart with two logarithmic axes as SVG, on no background. */
export function lineChart(text: ChartText, lines: readonly ChartLine[]): string {
  const drawn = lines.filter(({ points }) => points.length > 0);
  const all = drawn.flatMap(({ points }) => points);
  if (all.length === 0) throw new Error("A chart needs points.");
  const x = axis(
    all.map((point) => point.x),
    plot.left,
    plot.right,
  );
  const y = axis(
    all.map((point) => point.y),
    plot.bottom,
    plot.top,
  );
  const body = [
    ...y.ticks.map(
      (value) =>
        `<path class="grid" d="M${plot.left} ${y.at(value)}H${plot.right}"/><text x="${plot.left - 8}" y="${y.at(value) + 4}" text-anchor="end">${label(value)}</text>`,
    ),
    ...x.ticks.map(
      (value) =>
        `<path class="grid" d="M${x.at(value)} ${plot.top}V${plot.bottom}"/><text x="${x.at(value)}" y="${plot.bottom + 18}" text-anchor="middle">${label(value)}</text>`,
    ),
    `<text class="title" x="${plot.left}" y="24">${escaped(text.title)}</text>`,
    `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 40}" text-anchor="middle">${escaped(text.x)}</text>`,
    `<text transform="translate(16 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(text.y)}</text>`,
    ...text.notes.map(
      (note, index) => `<text class="note" x="${plot.left}" y="${plot.bottom + 62 + index * 15}">${escaped(note)}</text>`,
    ),
    ...drawn.map((line, index) => `${legendOf(line, index, drawn)}${lineOf(line, index, x.at, y.at)}`),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img">
<title>${escaped(text.title)}</title>
<style>text{font:13px system-ui,sans-serif;fill:${ink}}.title{font-size:16px;font-weight:600}.note{font-size:11px}.grid{stroke:${ink};stroke-opacity:.22}.line{fill:none;stroke-linejoin:round}</style>
${body.join("\n")}
</svg>
`;
}

interface Axis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** From the 1, 2 or 5 of a power of ten below all values to the one above them. */
function axis(values: readonly number[], from: number, to: number): Axis {
  const steps = Array.from({ length: 30 }, (_, index) => ([1, 2, 5][index % 3] ?? 1) * 10 ** (Math.floor(index / 3) - 3));
  const low = steps.findLast((step) => step <= Math.min(...values) * 1.001) ?? 0.001;
  const high = steps.find((step) => step >= Math.max(...values) * 0.999) ?? 1_000_000;
  const ticks = steps.filter((step) => step >= low && step <= high);
  const span = Math.log(high / low) || 1;
  return { ticks, at: (value) => round(from + ((to - from) * Math.log(value / low)) / span) };
}

function lineOf(line: ChartLine, index: number, x: Axis["at"], y: Axis["at"]): string {
  const { colour, width } = styleOf(line, index);
  const path = line.points.map((point, at) => `${at === 0 ? "M" : "L"}${x(point.x)} ${y(point.y)}`).join("");
  const marks = line.points.map((point) => mark(index, x(point.x), y(point.y), colour, point.last === true)).join("");
  return `<path class="line" d="${path}" stroke="${colour}" stroke-width="${width}"/>${marks}`;
}

/** In one row, or in two where one would be too long. */
function legendOf(line: ChartLine, index: number, all: readonly ChartLine[]): string {
  const characterWidth = 7.2;
  const before = all.slice(0, index).reduce((sum, { name }) => sum + name.length * characterWidth + 40, 0);
  const room = plot.right - plot.left;
  const [left, row] = [plot.left + (before % room), Math.floor(before / room)];
  const { colour, width } = styleOf(line, index);
  const top = 52 + row * 20;
  return `<path class="line" d="M${round(left)} ${top}h22" stroke="${colour}" stroke-width="${width}"/>${mark(index, round(left + 11), top, colour, false)}<text x="${round(left + 28)}" y="${top + 4}">${escaped(line.name)}</text>`;
}

function styleOf(line: ChartLine, index: number): { readonly colour: string; readonly width: number } {
  return line.ours === true ? ours : { colour: others[(index + others.length - 1) % others.length] ?? ink, width: 1.6 };
}

function mark(index: number, x: number, y: number, colour: string, hollow: boolean): string {
  const style = `fill="${hollow ? "none" : colour}" stroke="${colour}" stroke-width="1.6"`;
  const [r, far] = hollow ? [6, 8] : [3.6, 5];
  switch (shapes[index % shapes.length]) {
    case "square":
      return `<path d="M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z" ${style}/>`;
    case "triangle":
      return `<path d="M${x} ${round(y - far)}l${far} ${round(1.8 * far)}h${-2 * far}z" ${style}/>`;
    case "diamond":
      return `<path d="M${x} ${y - far}l${far} ${far}l${-far} ${far}l${-far} ${-far}z" ${style}/>`;
    case "cross":
      return `<path d="M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}" ${style}/>`;
    default:
      return `<circle cx="${x}" cy="${y}" r="${r}" ${style}/>`;
  }
}

function label(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
