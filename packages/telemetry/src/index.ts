export { type CloseInTimeOptions, closeInTime } from "./close-in-time.ts";
export { labelValues } from "./label-values.ts";
export { createLog, type Log, type LogLevel, type LogOptions } from "./log.ts";
export { createMetrics, type Metrics, type MetricsOptions } from "./metrics.ts";
export { type MetricRow, type MetricsApp, metricsTable } from "./metrics-table.ts";
export { Rate } from "./rate.ts";
