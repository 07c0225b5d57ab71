export { createLog, type Log, type LogLevel, type LogOptions } from "./log.ts";
export { createMetrics, type Metrics, type MetricsOptions } from "./metrics.ts";
export type { MetricsApp } from "./metrics-table.ts";
export { Rate } from "./rate.ts";
