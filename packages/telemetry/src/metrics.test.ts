import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";
import { type MetricRow, type MetricsApp, metricsTable } from "./metrics-table.ts";

const rows = Object.values<MetricRow>(metricsTable);

async function namesShownBy(app: MetricsApp): Promise<string[]> {
  const text = await createMetrics({ app }).text();
  return [...text.matchAll(/^# TYPE (fanfare_\S+)/gm)].map(([, name = ""]) => name).sort();
}

function namesOf(...apps: MetricRow["app"][]): string[] {
  return rows
    .filter((row) => apps.includes(row.app))
    .map((row) => row.name)
    .sort();
}

test("a process shows the metrics of its own app and the common ones", async () => {
  expect(await namesShownBy("gateway")).toEqual(namesOf("gateway", "all"));
  expect(await namesShownBy("admin")).toEqual(namesOf("admin", "all"));
  expect(await namesShownBy("serve")).toEqual(namesOf("gateway", "admin", "ingest", "all"));
  expect(await namesShownBy("ingest")).toEqual(namesOf("ingest", "all"));
});

test("two processes' worth of metrics live in one process without counting into each other", async () => {
  const one = createMetrics({ app: "gateway", node: "one" });
  const two = createMetrics({ app: "gateway", node: "two" });
  one.publications.inc({ source: "client", outcome: "stored" }, 3);
  two.publications.inc({ source: "client", outcome: "stored" });
  expect(await one.text()).toContain('fanfare_publications_total{source="client",outcome="stored",node="one"} 3');
  expect(await two.text()).toContain('fanfare_publications_total{source="client",outcome="stored",node="two"} 1');
});

test("a metric of another app can be counted and is not shown", async () => {
  const metrics = createMetrics({ app: "gateway" });
  metrics.httpRequests.inc({ method: "GET", route: "/healthz", status: 200 });
  expect(await metrics.text()).not.toContain("fanfare_http_requests_total");
});

test("a label that the table does not name is refused", () => {
  const metrics = createMetrics({ app: "gateway" });
  // @ts-expect-error the compiler knows the labels too
  expect(() => metrics.resets.inc({ channel: "news" })).toThrow();
});

test("build, broker and process are shown before anything has happened", async () => {
  const text = await createMetrics({ app: "admin", version: "1.2.3" }).text();
  expect(text).toContain(`fanfare_build_info{version="1.2.3",node_version="${process.versions.node}"} 1`);
  expect(text).toMatch(/^fanfare_broker_up 0$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
});

test("without a version given, build info has the one of this release", async () => {
  expect(await createMetrics({ app: "admin" }).text()).toMatch(/fanfare_build_info\{version="\d+\.\d+\.\d+"/);
});

test("names follow Prometheus: a prefix, base units, and _total for counters only", () => {
  for (const { name, type } of rows) {
    expect(name).toMatch(/^fanfare_[a-z_]+$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
  }
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});

test("counters are there before they count, or their first event would be no increase", async () => {
  const text = await createMetrics({ app: "gateway" }).text();
  expect(text).toContain('fanfare_resets_total{reason="trimmed"} 0');
  expect(text).toContain('fanfare_publications_total{source="client",outcome="failed"} 0');
  expect(text).toMatch(/^fanfare_deliveries_total 0$/m);
});
