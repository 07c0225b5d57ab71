import { wrapped } from "@fanfare/config";
import { colorsFor } from "./colors.ts";

/** What was looked at, what came of it, and what is to be done. */
export interface Finding {
  /** What was looked at, such as `websocket`. */
  readonly row: string;
  /** `fault`: promises do not hold like this. `warning`: they do, at a price that is named. `skipped`: not looked at. */
  readonly verdict: "good" | "warning" | "fault" | "skipped";
  /** Names what is wrong, for scripts: `idle-timeout`. */
  readonly fault?: string;
  /** One sentence. */
  readonly says: string;
  /** What to do about it. */
  readonly todo?: string;
}

const columns = 80;
const pc = colorsFor(process.stdout);
const marks = { good: pc.green("✓"), warning: pc.yellow("!"), fault: pc.red("✗"), skipped: pc.dim("–") };
/** In a pipe there are no colours to tell them apart by. */
const words = { good: "ok     ", warning: "WARNING", fault: "FAULT  ", skipped: "skipped" };

/** `✓ websocket  …`, at most 80 columns wide, with what to do beneath. */
export function findingText({ row, verdict, fault, says, todo }: Finding, rowWidth: number): string {
  const mark = process.stdout.isTTY ? marks[verdict] : words[verdict];
  const indent = (process.stdout.isTTY ? 1 : words.good.length) + 1 + rowWidth + 2;
  const name = fault === undefined ? "" : `${fault}: `;
  const lines = wrapped(`${name}${says}`, columns - indent);
  const advice = todo === undefined ? [] : wrapped(`→ ${todo}`, columns - indent);
  const [first = "", ...rest] = [...lines, ...advice];
  const head = `${mark} ${pc.bold(row.padEnd(rowWidth))}  ${verdict === "skipped" ? pc.dim(first) : first}`;
  return [head, ...rest.map((line) => `${" ".repeat(indent)}${line}`)].map((line) => `${line}\n`).join("");
}

/** One line that says how it stands. */
export function verdictText(findings: readonly Finding[]): string {
  const number = (verdict: Finding["verdict"]) => findings.filter((one) => one.verdict === verdict).length;
  const [faults, warnings] = [number("fault"), number("warning")];
  if (faults > 0) return `${pc.red(count(faults, "fault"))}, ${count(warnings, "warning")}.\n`;
  return warnings > 0
    ? `No faults, ${pc.yellow(count(warnings, "warning"))}.\n`
    : `${pc.green("Everything is as it should be.")}\n`;
}

/** What decides about the exit code. */
export function hasFault(findings: readonly Finding[], strict = false): boolean {
  return findings.some(({ verdict }) => verdict === "fault" || (strict && verdict === "warning"));
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
