import type { DeliveryCounts, NodeLife } from "@fanfare/domain";

/** What a receipt's hash says of a node: five numbers and a name. Beside it `epoch` and `seq`, which have no space. */

export function textOfLife({ node, life }: NodeLife): string {
  return `${life} ${node}`;
}

/** Undefined for what no node can have written. */
export function lifeOfText(text: string): NodeLife | undefined {
  const space = text.indexOf(" ");
  return space < 1 ? undefined : { node: text.slice(space + 1), life: text.slice(0, space) };
}

export function textOfCounts({ sessions, written, unsent, dropped, recovered }: DeliveryCounts): string {
  return [sessions, written, unsent, dropped, recovered].join(" ");
}

/** Undefined for what no node can have written. */
export function countsOfText(text: string): DeliveryCounts | undefined {
  if (!/^\d{1,15}( \d{1,15}){4}$/.test(text)) return undefined;
  const [sessions = 0, written = 0, unsent = 0, dropped = 0, recovered = 0] = text.split(" ").map(Number);
  return { sessions, written, unsent, dropped, recovered };
}

export function byLife(a: NodeLife, b: NodeLife): number {
  const [one, other] = [`${a.node} ${a.life}`, `${b.node} ${b.life}`];
  return one < other ? -1 : Number(one > other);
}
