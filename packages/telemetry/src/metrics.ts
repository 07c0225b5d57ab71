import { createRequire } from "node:module";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { allLabels } from "./label-values.ts";
import { type MetricRow, type MetricsApp, type MetricsTable, metricsTable } from "./metrics-table.ts";

type LabelOf<Row extends MetricRow> = keyof Row["labels"] & string;

/** The prom-client object of a row: a counter only counts up, label names are checked by the compiler. */
type InstrumentOf<Row extends MetricRow> = Row["type"] extends "counter"
  ? Counter<LabelOf<Row>>
  : Row["type"] extends "gauge"
    ? Gauge<LabelOf<Row>>
    : Histogram<LabelOf<Row>>;

type Instruments = { readonly [Name in keyof MetricsTable]: InstrumentOf<MetricsTable[Name]> };

/**
 * What one process counts. Every metric of the table can be counted from any app, so that shared code need not ask where
 * it runs; {@link Metrics.text} shows those that belong to the app.
 */
export interface Metrics extends Instruments {
  /** The page that Prometheus reads. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  readonly app: MetricsApp;
  /** Put on every line as the label `node`. */
  readonly node?: string | undefined;
  /** Shown in `fanfare_build_info`; by default that of this package, because all are released together. */
  readonly version?: string | undefined;
}

/** Metrics with a registry of their own: several can live in one process. */
export function createMetrics({ app, node, version = ownVersion() }: MetricsOptions): Metrics {
  const registry = new Registry();
  if (node !== undefined) registry.setDefaultLabels({ node });
  collectDefaultMetrics({ register: registry });

  const instruments = Object.fromEntries(
    Object.entries<MetricRow>(metricsTable).map(([key, row]) => [key, createInstrument(row, shows(app, row) ? [registry] : [])]),
    // The table's type is mapped over its rows, which Object.entries forgets.
  ) as unknown as Instruments;

  instruments.brokerUp.set(0);
  instruments.buildInfo.set({ version, node_version: process.versions.node }, 1);

  return { ...instruments, text: () => registry.metrics(), contentType: registry.contentType };
}

/** Whether the app's page shows the row. */
function shows(app: MetricsApp, row: MetricRow): boolean {
  return row.app === "all" || app === "serve" || row.app === app;
}

function createInstrument({ name, type, help, labels, buckets }: MetricRow, registers: Registry[]) {
  const common = { name, help, labelNames: Object.keys(labels), registers };
  switch (type) {
    case "counter": {
      const counter = new Counter(common);
      // From 0 on: a series that begins with its first event hides that event from rate() and increase().
      for (const each of allLabels(labels) ?? []) counter.inc(each, 0);
      return counter;
    }
    case "gauge":
      return new Gauge(common);
    case "histogram":
      return new Histogram({ ...common, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
  }
}

function ownVersion(): string {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  return version;
}
