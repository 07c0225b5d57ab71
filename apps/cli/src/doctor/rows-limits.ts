import type { Finding } from "../findings.ts";
import { BadAnswer, Poller } from "./poller.ts";
import { type Place, reasonOf, visit } from "./visit.ts";

/** Of what nodes take: room for what goes around the payload. */
const bodyShare = 0.9;

/** Whether pages of an origin may connect. Both what the nodes allow and what the balancer makes of it count. */
export async function corsRow(place: Place, origin: string | undefined): Promise<Finding> {
  const row = "cors";
  if (origin === undefined)
    return { row, verdict: "skipped", says: "With --origin https://app.example it is seen whether that page may connect." };
  const answer = await visit(place, { query: { EIO: "4", transport: "polling" }, headers: { origin } });
  const allowed = answer.headers["access-control-allow-origin"];
  const fault = (says: string, todo: string): Finding => ({ row, verdict: "fault", fault: "cors", says, todo });
  if (answer.status === 403 && answer.text.includes("ORIGIN_FORBIDDEN")) {
    return fault(`The nodes refuse pages of ${origin}.`, `Add ${origin} to FANFARE_ORIGINS of all nodes.`);
  }
  if (allowed === undefined) {
    return fault(
      "The answer's CORS headers are lost on the way.",
      "Let the balancer pass Access-Control-Allow-… of the nodes on (nginx: no proxy_hide_header).",
    );
  }
  if (allowed.includes(",")) {
    return fault(
      `Two answers in one: Access-Control-Allow-Origin is "${allowed}".`,
      "The nodes set it; take it out of the balancer (nginx: add_header).",
    );
  }
  const credentials = answer.headers["access-control-allow-credentials"] === "true";
  if (allowed !== origin && !(allowed === "*" && !credentials)) {
    return fault(
      `Access-Control-Allow-Origin is "${allowed}", not ${origin}.`,
      "The nodes set it right; take it out of the balancer.",
    );
  }
  return { row, verdict: "good", says: `Pages of ${origin} may connect.` };
}

/** Whether a message of nearly the size that nodes take gets to them. */
export async function bodyRow(place: Place, token: string | undefined): Promise<Finding> {
  const row = "body";
  const poller = await Poller.open(place);
  const { maxPayload } = poller.handshake;
  const bytes = Math.floor(maxPayload * bodyShare);
  try {
    await poller.connect(token);
    // Any answer will do, also one that says that the message is too large for what it asks.
    await poller.request("echo", "x".repeat(bytes));
    return { row, verdict: "good", says: `A message of ${size(bytes)} comes through; nodes take ${size(maxPayload)}.` };
  } catch (error) {
    const status = error instanceof BadAnswer ? error.answer.status : undefined;
    const says = `A message of ${size(bytes)} does not reach the nodes, which take ${size(maxPayload)}: ${reasonOf(error)}`;
    const todo = "Allow bodies of 1 MiB in the balancer (nginx: client_max_body_size 1m).";
    return {
      row,
      verdict: "fault",
      fault: status === 413 ? "body-limit" : "body",
      says: says.split("<")[0]?.trim() ?? says,
      todo,
    };
  } finally {
    await poller.close();
  }
}

function size(bytes: number): string {
  return `${(bytes / 1_000).toFixed(0)} kB`;
}
