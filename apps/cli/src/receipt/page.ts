import type { ReceiptAnswer } from "@fanfare/domain";
import type { createColors } from "picocolors";

const columns = 80;
const counted = ["sessions", "written", "unsent", "dropped", "recovered"] as const;
/** Of a column of numbers, with the space before it. */
const numberWidth = 10;
const nodeWidth = columns - counted.length * numberWidth;

type Colors = ReturnType<typeof createColors>;

/** A receipt as a table of at most 80 columns: the nodes, their sum, and what is missing. */
export function receiptText(receipt: ReceiptAnswer, pc: Colors): string {
  const names = receipt.nodes.map(({ node }) => node);
  const width = Math.min(nodeWidth, Math.max("all".length, ...names.map(({ length }) => length)));
  const line = (name: string, values: readonly (string | number)[]): string =>
    cut(name, width).padEnd(width) + values.map((value) => String(value).padStart(numberWidth)).join("");
  const row = (name: string, counts: Pick<ReceiptAnswer, (typeof counted)[number]>): string =>
    line(
      name,
      counted.map((one) => counts[one]),
    );
  const lines = [
    pc.dim(line("", counted)),
    ...(receipt.nodes.length === 1 ? [] : receipt.nodes.map((node) => row(node.node, node))),
    pc.bold(row(receipt.nodes.length === 1 ? (names[0] ?? "") : "all", receipt)),
    ...receipt.nodesMissing.map((node) => pc.yellow(cut(`nothing known of ${node}`, columns))),
  ];
  return lines.map((text) => `${text}\n`).join("");
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
