import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Panel, panelsOf, queriesOf, withoutVariables } from "./dashboard.ts";
import { inInfra, run, yamlOf } from "./programs.ts";
import { mistakesIn } from "./promql.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = yamlOf<{ groups: { rules: Alert[] }[] }>("prometheus", "alerts.yml");
const alerts = groups.flatMap(({ rules }) => rules);

test.each(alerts)("the alert $alert reads metrics that there are, and says what to do", async ({ expr, labels, annotations }) => {
  expect(await mistakesIn(expr)).toEqual([]);
  expect(["page", "look"]).toContain(labels.severity);
  for (const text of ["summary", "description", "do"]) expect(annotations[text]).toMatch(/\S/);
});

// Two hours of metrics for some of them: 3 s of CPU.
test("the alerts are rules that Prometheus loads, and each of them fires and rests when it should", {
  timeout: 60_000,
}, async () => {
  const from = inInfra("prometheus");
  await run("promtool", ["check", "config", "prometheus.yml"], from);
  await run("promtool", ["test", "rules", "alerts.test.yml"], from);
});

test("every alert is tried both ways", () => {
  interface Tried {
    readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
  }
  const { tests } = yamlOf<{ tests: Tried[] }>("prometheus", "alerts.test.yml");
  const tries = tests.flatMap(({ promql_expr_test: some = [] }) => some);
  const named = (fires: boolean): string[] => {
    const of = tries.filter(({ exp_samples }) => exp_samples.length > 0 === fires);
    return [...new Set(of.map(({ expr }) => /alertname="(\w+)"/.exec(expr)?.[1] ?? expr))].sort();
  };
  const names = alerts.map(({ alert }) => alert).sort();
  expect(named(true)).toEqual(names);
  expect(named(false)).toEqual(names);
});

test("a query with a mistake is found: the check can fail", async () => {
  expect(await mistakesIn("sum(fanfare_conections)")).toEqual(["nobody shows fanfare_conections"]);
  expect(await mistakesIn('fanfare_publications_total{outcom="failed"}')).toEqual([
    "fanfare_publications_total has no label outcom",
  ]);
  expect(await mistakesIn('fanfare_repairs_total{outcome=~"filled|lost"}')).toEqual([
    "outcome of fanfare_repairs_total is never lost",
  ]);
  expect(await mistakesIn("sum by (channel) (fanfare_deliveries_total)")).toEqual(["nothing in it has the label channel"]);
  expect(await mistakesIn("rate(fanfare_publish_duration_seconds[5m])")).toEqual([
    "fanfare_publish_duration_seconds is a histogram: read its _bucket",
  ]);
});

test("the dashboard reads metrics that there are", async () => {
  const wrong: string[] = [];
  for (const [title, expr] of queriesOf()) {
    for (const mistake of await mistakesIn(expr)) wrong.push(`${title}: ${mistake}`);
  }
  expect(wrong).toEqual([]);
});

test("every query of the dashboard is one that Prometheus can read", { timeout: 30_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "fanfare-dashboard-"));
  const rules = queriesOf().map(([, expr], at) => ({ record: `query:${at}`, expr: withoutVariables(expr) }));
  await writeFile(join(dir, "rules.yml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  await run("promtool", ["check", "rules", join(dir, "rules.yml")]).finally(() => rm(dir, { recursive: true }));
});

test("panels have an explanation and a unit, and lie beside each other", () => {
  const panels = panelsOf();
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = new Set<string>();
  for (const { title, type, description, gridPos, fieldConfig } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      expect(x, title).toBeLessThan(24);
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(cells.has(`${x}:${y}`), `${title} lies upon another panel`).toBe(false);
        cells.add(`${x}:${y}`);
      }
    }
    if (type === "row") continue;
    expect(description, title).toMatch(/\S/);
    if (type === "timeseries" || type === "stat") expect(fieldConfig?.defaults.unit, title).toBeDefined();
  }
  const refs = (panel: Panel): string[] => (panel.targets ?? []).map(({ refId }) => refId);
  for (const panel of panels) expect(new Set(refs(panel)).size, panel.title).toBe(refs(panel).length);
});

test("Grafana finds the dashboard and its numbers where the provisioning says", () => {
  interface Source {
    readonly datasources: { type: string; url: string; jsonData: { timeInterval: string } }[];
  }
  const { datasources } = yamlOf<Source>("grafana", "provisioning", "datasources", "prometheus.yml");
  const { global } = yamlOf<{ global: { scrape_interval: string } }>("prometheus", "prometheus.yml");
  expect(datasources[0]).toMatchObject({ type: "prometheus", jsonData: { timeInterval: global.scrape_interval } });
});
