import { type MetricRow, metricsTable } from "./metrics-table.ts";

const parts = [
  { app: "all", title: "Every process" },
  { app: "gateway", title: "Gateways" },
  { app: "admin", title: "Admin API" },
  { app: "ingest", title: "Ingestion" },
] as const;

/** The text of docs/METRICS.md. */
export function metricsDocs(): string {
  const rows = Object.values<MetricRow>(metricsTable);
  const sections = parts.map(({ app, title }) =>
    [
      `## ${title}`,
      "",
      "| metric | type | labels | what it counts |",
      "|---|---|---|---|",
      ...rows.filter((row) => row.app === app).map(line),
      "",
    ].join("\n"),
  );
  return `${head}\n${sections.join("\n")}`;
}

const head = `# Metrics

<!-- Made from packages/telemetry/src/metrics-table.ts. After a change there:
     npx vitest run --project unit packages/telemetry -u -->

Prometheus text at \`/metrics\`: of a gateway on its peer port, of the admin API on the admin port, of \`fanfare ingest\` on its own
port. \`fanfare serve\` shows all parts on both of its ports. Beside these there are the usual \`process_*\` and \`nodejs_*\` of Node.js. A process that has a node name puts it
on every line as the label \`node\`.

What is worth an alert is in infra/prometheus/alerts.yml, and a dashboard of all this in infra/grafana/fanfare.json. Labels are
small closed sets: no channel, user or address ever is one. Tests hold both files and this page equal to the metrics that there
are.
`;

function line({ name, type, labels, help }: MetricRow): string {
  const labelText = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`);
  return `| \`${name}\` | ${type} | ${labelText.join("; ")} | ${help} |`;
}
