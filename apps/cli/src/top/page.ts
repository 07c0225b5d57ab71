import { count } from "../findings.ts";
import type { View } from "./view.ts";

/** What the page is drawn with; plain text in a pipe. */
export interface Ink {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

type Row = View["stats"]["processes"][number];

const columns = 80;
/** Beyond these a node is worth a look: its clients wait. */
const loopDelayMsMax = 100;
const canaryAgeMsMax = 5_000;
const bars = "▁▂▃▄▅▆▇█";
const barsMax = 40;
const absent = "-";

/** The page of `fanfare top`, line by line, none wider than 80 columns. `past` are deliveries per second, the newest last. */
export function topPage({ stats, nodes, slow }: View, past: readonly number[], ink: Ink): string[] {
  const { publicationsPerSecond, deliveriesPerSecond, latencyMs, transports } = stats;
  const latency = latencyMs == null ? absent : `${ms(latencyMs.p50)}, p99 ${ms(latencyMs.p99)}`;
  const figures = new Map(stats.processes.map((row) => [row.process, row]));
  const others = stats.processes.filter(({ process }) => !nodes.some(({ node }) => node === process));
  return [
    `${ink.bold(grouped(stats.connections))} connections ${ink.dim(`(${grouped(transports.polling)} polling)`)}, ${grouped(stats.users)} users, ${grouped(stats.channels)} channels, ${count(stats.nodes, "node")}`,
    `${ink.bold(rate(publicationsPerSecond))} published, ${ink.bold(rate(deliveriesPerSecond))} delivered, latency ${latency}`,
    ...(past.length < 2 ? [] : [ink.dim(`delivered/s ${sparkline(past)}`)]),
    "",
    ink.dim(cells(nodeHead)),
    ...nodes.map((node) => nodeLine(node, figures.get(node.node), ink)),
    ...others.map(({ process, ...row }) => ink.dim(`${fitted(process, 22)} publishes ${rate(row.publicationsPerSecond)}`)),
    ...stats.nodesMissing.map((node) => ink.yellow(`${fitted(node, 22)} is missing: its connections may be lacking here`)),
    "",
    ...(slow.length === 0 ? [ink.dim("No connection is behind.")] : [ink.dim(cells(slowHead)), ...slow.map(slowLine)]),
  ];
}

const widths = [22, 8, 8, 9, 8, 7, 5, 6];
const nodeHead = ["NODE", "STATE", "CLIENTS", "OUT/S", "P99", "LOOP", "CPU", "MEM"];
const slowWidths = [22, 18, 16, 10, 10];
const slowHead = ["BEHIND", "USER", "NODE", "UNSENT", "VIA"];

function nodeLine({ node, state, connections }: View["nodes"][number], row: Row | undefined, ink: Ink): string {
  const health = row?.health;
  const line = cells([
    node,
    state,
    grouped(connections),
    row === undefined ? absent : grouped(Math.round(row.deliveriesPerSecond)),
    health?.latencyMs == null ? absent : ms(health.latencyMs.p99),
    health === undefined ? absent : ms(health.loopDelayMs),
    health === undefined ? absent : `${health.cpuPercent.toFixed(0)}%`,
    health === undefined ? absent : bytes(health.memoryBytes),
  ]);
  if ((health?.canaryAgeMs ?? 0) > canaryAgeMsMax) return ink.red(line);
  return state !== "ready" || (health?.loopDelayMs ?? 0) > loopDelayMsMax ? ink.yellow(line) : line;
}

function slowLine({ id, user, node, unsentBytes, transport }: View["slow"][number]): string {
  return cells([id, user ?? absent, node, bytes(unsentBytes), transport], slowWidths);
}

/** Side by side: names to the left, numbers of nodes to the right. */
function cells(texts: readonly string[], of = texts[0] === "BEHIND" ? slowWidths : widths): string {
  const numbers = of === widths ? 2 : slowWidths.length;
  return texts
    .map((text, at) => {
      const width = (of[at] ?? 0) - (at === 0 ? 0 : 1);
      const cell = at < numbers ? fitted(text, width) : fitted(text, width).trimEnd().padStart(width);
      return at === 0 ? cell : ` ${cell}`;
    })
    .join("")
    .slice(0, columns)
    .trimEnd();
}

function fitted(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;
}

function sparkline(past: readonly number[]): string {
  const last = past.slice(-barsMax);
  const top = Math.max(...last, 1);
  return last.map((value) => bars[Math.round((value / top) * (bars.length - 1))]).join("");
}

function grouped(number: number): string {
  return number.toLocaleString("en");
}

function rate(perSecond: number): string {
  return `${grouped(perSecond >= 10 ? Math.round(perSecond) : perSecond)}/s`;
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)}ms` : value < 10_000 ? `${value.toFixed(0)}ms` : `${(value / 1_000).toFixed(0)}s`;
}

function bytes(value: number): string {
  const units = ["B", "K", "M", "G"];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${(value / 1_024 ** power).toFixed(0)}${units[power]}`;
}
