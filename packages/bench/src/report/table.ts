import { type Metric, type Outcome, ratiosOf, type Series } from "./outcome.ts";
import { pairedRatios, spreadOf } from "./statistics.ts";

export const columns = 80;
const gap = "  ";

/** An outcome as text of at most 80 columns: title, table, notes. Plain: it reads the same on a screen and in a file. */
export function tableText(outcome: Outcome): string {
  const { title, series, notes } = outcome;
  const allNotes = [...notes, ...discardNotes(series)].flatMap((note) => wrapped(note));
  return `${[title, "", ...fittingGrid(outcome), "", ...allNotes].join("\n")}\n`;
}

/** Leaves out min and max from the right until the lines fit: the first metrics are those that matter. */
function fittingGrid(outcome: Outcome): string[] {
  for (let spreads = outcome.metrics.length; ; spreads--) {
    const lines = gridOf(outcome, spreads);
    if (spreads === 0 || lines.every((line) => line.length <= columns)) return lines;
  }
}

function gridOf(outcome: Outcome, spreads: number): string[] {
  const head = headOf(outcome);
  const rows = outcome.series.map((one) => rowOf(one, outcome, spreads));
  const widths = head.map((lines, index) =>
    Math.max(...lines.map((line) => line.length), ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const print = (cells: readonly string[]) =>
    cells
      .map((text, index) => (index === 0 ? text.padEnd(widths[index] ?? 0) : text.padStart(widths[index] ?? 0)))
      .join(gap)
      .trimEnd();
  return [
    ...[0, 1].map((line) => print(head.map((lines) => lines[line] ?? ""))),
    print(widths.map((width) => "-".repeat(width))),
    ...rows.map(print),
  ];
}

function headOf(outcome: Outcome): string[][] {
  const ratios = ratiosOf(outcome).map(({ to, title = to }) => ["×", title]);
  return [["", ""], ...outcome.metrics.map(({ title }) => title.split("\n")), ...ratios].map(([upper = "", lower = ""]) =>
    // A head of one line stands right above the numbers.
    lower === "" ? ["", upper] : [upper, lower],
  );
}

function rowOf(series: Series, outcome: Outcome, spreads: number): string[] {
  const times = ratiosOf(outcome).map(({ of, to }) => {
    const control = outcome.series.find(({ name }) => name === to);
    const ratios = pairedRatios(valuesOf(series, of), valuesOf(control, of));
    return series === control || ratios.length === 0 ? "" : shown(spreadOf(ratios).median, 2);
  });
  return [series.name, ...outcome.metrics.map((metric, index) => cell(series, metric, index < spreads)), ...times];
}

function cell(series: Series, { key, digits, spread }: Metric, withSpread: boolean): string {
  const values = valuesOf(series, key).filter((value) => value !== undefined);
  const { median, min, max } = spreadOf(values);
  if (Number.isNaN(median)) return "–";
  return spread && withSpread ? `${shown(median, digits)} (${shown(min, digits)}–${shown(max, digits)})` : shown(median, digits);
}

function valuesOf(series: Series | undefined, key: string): (number | undefined)[] {
  return (series?.runs ?? []).map((run) => run?.[key]);
}

function shown(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function discardNotes(series: readonly Series[]): string[] {
  return series
    .filter(({ discarded }) => discarded.length > 0)
    .map(({ name, discarded }) => `Discarded of ${name}: ${discarded.length} (${[...new Set(discarded)].join("; ")}).`);
}

/** Breaks at blanks. */
export function wrapped(text: string, width = columns): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
