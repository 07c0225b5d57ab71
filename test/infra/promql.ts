import { createMetrics, labelValues, type MetricRow, metricsTable } from "@fanfare/telemetry";

/** Labels that Prometheus, a bucket or the process itself adds to what the table names. */
const labelsOfAll: ReadonlySet<string> = new Set(["instance", "job", "node", "le"]);
/** Metrics of Prometheus itself. */
const foreign: ReadonlySet<string> = new Set(["up", "ALERTS"]);

const rows = new Map(Object.values<MetricRow>(metricsTable).map((row) => [row.name, row]));

/** The names of all series that a process of Fanfare shows, without the suffixes of histograms. */
async function shownNames(): Promise<Set<string>> {
  const text = await createMetrics({ app: "serve", node: "n" }).text();
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name));
}

/**
 * What a query says that cannot be right: metrics that nobody shows, counters without `_total` read as if they had it, labels
 * that a metric does not have, and values that a label never takes.
 */
export async function mistakesIn(expr: string): Promise<string[]> {
  const shown = await shownNames();
  const found: string[] = [];
  for (const [, series = "", selector = ""] of withoutTexts(expr)) {
    const name = shown.has(series) ? series : series.replace(/_(bucket|sum|count)$/, "");
    if (foreign.has(name)) continue;
    if (!shown.has(name)) found.push(`nobody shows ${series}`);
    const row = rows.get(name);
    if (row === undefined) continue;
    if (name === series && row.type === "histogram") found.push(`${series} is a histogram: read its _bucket`);
    for (const [, label = "", operator = "", value = ""] of selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)) {
      const takes = row.labels[label];
      if (takes === undefined) {
        if (!labelsOfAll.has(label)) found.push(`${series} has no label ${label}`);
        continue;
      }
      for (const one of operator.endsWith("~") ? value.split("|") : [value]) {
        if (labelValues(takes)?.includes(one) === false) found.push(`${label} of ${series} is never ${one}`);
      }
    }
    for (const label of groupedBy(expr)) {
      const known = [...namesIn(expr)].some((each) => rows.get(each)?.labels[label] !== undefined);
      if (!known && !labelsOfAll.has(label)) found.push(`nothing in it has the label ${label}`);
    }
  }
  return found;
}

/** Every series that is read, with its selector. */
function withoutTexts(expr: string): IterableIterator<RegExpMatchArray> {
  return expr.matchAll(/\b((?:fanfare|process|nodejs|ALERTS|up)(?:_[a-z_]+)?)\b(?:\{([^}]*)\})?/g);
}

function namesIn(expr: string): Set<string> {
  return new Set(
    [...withoutTexts(expr)].map(([, series = ""]) => (rows.has(series) ? series : series.replace(/_(bucket|sum|count)$/, ""))),
  );
}

function groupedBy(expr: string): string[] {
  return [...expr.matchAll(/\b(?:by|without|on) ?\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(",").map((one) => one.trim()),
  );
}
