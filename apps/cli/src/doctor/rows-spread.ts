import type { Finding } from "../findings.ts";
import { BadAnswer, nodeOf, Poller } from "./poller.ts";
import { forwardHelp } from "./rows-transports.ts";
import { type Place, reasonOf } from "./visit.ts";

const sessions = 12;
const requests = 8;

/** A node as the admin API lists it. */
export interface ListedNode {
  readonly node: string;
  readonly sidPrefix: string;
  readonly connections: number;
}

/**
 * Whether the balancer keeps clients on a node although nobody needs that, and whether requests of one session may reach any
 * node. `nodes` are those there are, when the admin API could be asked.
 */
export async function spreadRows(
  place: Place,
  token: string | undefined,
  nodes: readonly ListedNode[] | undefined,
): Promise<Finding[]> {
  // Open at the same time: a balancer that prefers the node with the fewest would choose one forever if all were gone again.
  const pollers: Poller[] = [];
  let anyNode: Finding | undefined;
  try {
    for (let n = 0; n < sessions; n++) {
      const poller = await Poller.open(place);
      pollers.push(poller);
      if (n === 0) anyNode = await anyNodeRow(poller, token);
      poller.hold();
    }
  } catch (error) {
    const says = `Of ${sessions} sessions, number ${pollers.length + 1} was refused: ${reasonOf(error)}`;
    return [
      { row: "sticky", verdict: "fault", fault: "handshake", says, todo: "One of the nodes may be wrong: look at their logs." },
    ];
  } finally {
    await Promise.all(pollers.map((poller) => poller.close()));
  }
  const reached = new Set(pollers.map(({ handshake }) => nodeOf(handshake.sid)));
  const [cookie] = pollers.flatMap(({ first }) => first.headers["set-cookie"] ?? []);
  return [...(anyNode === undefined ? [] : [anyNode]), stickyRow(reached, cookie?.split("=")[0], nodes)];
}

async function anyNodeRow(poller: Poller, token: string | undefined): Promise<Finding> {
  const row = "any node";
  try {
    await poller.connect(token);
    for (let n = 0; n < requests; n++) await poller.request("echo", n);
    return { row, verdict: "good", says: `${requests} requests of one session, each over a new connection, were all answered.` };
  } catch (error) {
    const says = `A session's requests do not all reach its node: ${reasonOf(error)}`;
    const fault = error instanceof BadAnswer ? "not-forwarded" : "polling";
    return { row, verdict: "fault", fault, says, todo: forwardHelp };
  }
}

function stickyRow(reached: ReadonlySet<string>, cookie: string | undefined, nodes: readonly ListedNode[] | undefined): Finding {
  const row = "sticky";
  const price = "A node that ends takes its clients' way back with it, and new nodes stay empty";
  if (cookie !== undefined) {
    const says = `The balancer sets a cookie (${cookie}) to keep clients on a node. Nobody needs that. ${price}.`;
    return { row, verdict: "warning", fault: "sticky-cookie", says, todo: "Take the cookie out of the balancer." };
  }
  if (reached.size > 1)
    return { row, verdict: "good", says: `${sessions} sessions went to ${reached.size} nodes, without a cookie.` };
  if (nodes === undefined) {
    const says = `All ${sessions} sessions went to one node. With --admin-url and --admin-key it can be told whether there are others.`;
    return { row, verdict: "skipped", says };
  }
  if (nodes.length < 2) return { row, verdict: "good", says: "There is one node." };
  const [only] = reached;
  const theirs = nodes.find(({ sidPrefix }) => sidPrefix === only)?.connections;
  const next = Math.min(...nodes.filter(({ sidPrefix }) => sidPrefix !== only).map(({ connections }) => connections));
  // A balancer that prefers the node with the fewest has a reason to choose the same one every time.
  if (theirs !== undefined && theirs + sessions < next) {
    return { row, verdict: "good", says: `All ${sessions} sessions went to the node with the fewest connections.` };
  }
  const says = `All ${sessions} sessions went to one of ${nodes.length} nodes: the balancer chooses by the client's address. ${price}.`;
  const todo = "Use leastconn or round robin (nginx: no ip_hash; HAProxy: no balance source).";
  return { row, verdict: "warning", fault: "sticky-address", says, todo };
}
