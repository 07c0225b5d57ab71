import { textOf } from "./programs.ts";

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

/** The panels of infra/grafana/fanfare.json, rows too. */
export function panelsOf(): Panel[] {
  return (JSON.parse(textOf("grafana", "fanfare.json")) as { panels: Panel[] }).panels;
}

/** Every query of the dashboard, with the title of its panel. */
export function queriesOf(): [title: string, expr: string][] {
  return panelsOf().flatMap(({ title, targets = [] }) => targets.map(({ expr }): [string, string] => [title, expr]));
}

/** As Grafana would ask it, for all nodes. */
export function withoutVariables(expr: string, rateInterval = "1m"): string {
  return expr.replaceAll("$__rate_interval", rateInterval).replaceAll("$node", ".*");
}
