import {
  type DeliveryCounts,
  limits,
  type NodeDeliveries,
  type NodeRecord,
  type Receipt,
  type ReceiptAnswer,
  type ReportedUpTo,
  timeOfSeq,
} from "@fanfare/domain";

/** A node that was last heard of so long before a publication had no lease any more when that came. */
const leaseMs = limits.nodeLeaseSeconds * 1_000;

const nothing: DeliveryCounts = { sessions: 0, written: 0, unsent: 0, dropped: 0, recovered: 0 };

export interface ReceiptFacts {
  readonly receipt: Receipt;
  /** Of the channel. */
  readonly partition: number;
  /** Nodes whose lease runs. Read before the receipt, as {@link reported} is. */
  readonly alive: readonly NodeRecord[];
  readonly reported: readonly ReportedUpTo[];
}

/** What a receipt says once it is known which nodes are still there. Nothing is asked of them. */
export function receiptAnswer({ receipt, partition, alive, reported }: ReceiptFacts): ReceiptAnswer {
  const { channel, epoch, offset, seq, nodes } = receipt;
  const lives = new Set(alive.map(({ sidPrefix }) => sidPrefix));
  const at = timeOfSeq(seq);
  const byNode = new Map<string, DeliveryCounts>();
  for (const one of nodes) byNode.set(one.node, sum(byNode.get(one.node) ?? nothing, atRest(one, lives)));
  const listed = [...byNode].map(([node, counts]) => ({ node, ...counts }));
  return {
    channel,
    epoch,
    offset,
    at,
    until: at + limits.receiptSeconds * 1_000,
    ...listed.reduce(sum, nothing),
    nodes: listed,
    nodesMissing: missing(receipt, partition, alive, reported),
  };
}

/** What a process had not sent is gone with it. */
function atRest({ life, counts }: NodeDeliveries, lives: ReadonlySet<string>): DeliveryCounts {
  return lives.has(life) ? counts : { ...counts, unsent: 0, dropped: counts.dropped + counts.unsent };
}

function sum(a: DeliveryCounts, b: DeliveryCounts): DeliveryCounts {
  return {
    sessions: a.sessions + b.sessions,
    written: a.written + b.written,
    unsent: a.unsent + b.unsent,
    dropped: a.dropped + b.dropped,
    recovered: a.recovered + b.recovered,
  };
}

/**
 * Names of nodes of which nothing is known: they are alive and have not come as far as the publication, or have ended before
 * they had said that they have. Who has come further and is not in the receipt had nobody to deliver it to.
 */
function missing(
  { seq, nodes }: Receipt,
  partition: number,
  alive: readonly NodeRecord[],
  reported: readonly ReportedUpTo[],
): string[] {
  const said = new Set(nodes.map(({ life }) => life));
  const past = new Set(reported.filter(({ seqs }) => (seqs[partition] ?? 0) >= seq).map(({ life }) => life));
  const ended = reported.filter(({ at }) => at > timeOfSeq(seq) - leaseMs);
  const concerned = new Map([...ended.map(({ life, node }) => [life, node] as const), ...alive.map(nameOf)]);
  const names = [...concerned].flatMap(([life, node]) => (said.has(life) || past.has(life) ? [] : [node]));
  return [...new Set(names)].sort();
}

function nameOf({ sidPrefix, node }: NodeRecord): readonly [string, string] {
  return [sidPrefix, node];
}
