import type { Outcome } from "./outcome.ts";
import { type Circumstances, headText, outcomeText } from "./report.ts";
import { againstTargets, type Measured } from "./targets.ts";

/** The page RESULTS.md, made wholly of what was measured. */
export function resultsPage(circumstances: Circumstances, outcomes: Readonly<Record<string, readonly Outcome[]>>): string {
  const measured = againstTargets(outcomes);
  const targets = [
    "## Targets",
    "",
    "What Fanfare set out to reach, and the median of the runs below (least–most).",
    "",
    "| figure | target | measured | |",
    "|---|---|---|---|",
    ...measured.map(rowOf),
    "",
  ];
  const scenarios = Object.entries(outcomes).flatMap(([name, tables]) => [
    `## ${name}`,
    "",
    ...tables.flatMap((table) => ["```", outcomeText(table).trimEnd(), "```", ""]),
  ]);
  return [
    "# Results",
    "",
    `Written by \`${circumstances.command}\`: run it to have this page anew. How to read it: [METHOD.md](METHOD.md). In one line:`,
    "**ratios, not figures**.",
    "",
    "```",
    headText(circumstances).trimEnd(),
    "```",
    "",
    ...(measured.length === 0 ? [] : targets),
    ...scenarios,
  ].join("\n");
}

function rowOf({ target, found, met }: Measured): string {
  const { what, by, atMost, atLeast, unit = by === undefined ? "" : "×" } = target;
  const [digits, bound] = [atMost === undefined || atMost > 2 ? 1 : 2, atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`];
  const shown = (value: number) => value.toFixed(digits);
  const spread = `${shown(found.median)} (${shown(found.min)}–${shown(found.max)}) ${unit}`;
  return `| ${what} | ${`${bound} ${unit}`.trim()} | ${spread.trim()} | ${met ? "met" : "missed"} |`;
}
