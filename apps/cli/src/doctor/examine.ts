import type { Finding } from "../findings.ts";
import { handshakeIn } from "./poller.ts";
import { bodyRow, corsRow } from "./rows-limits.ts";
import { clockRow, pathRow, tlsRow } from "./rows-reach.ts";
import { bufferingRow, idleRow } from "./rows-silence.ts";
import { type ListedNode, spreadRows } from "./rows-spread.ts";
import { pollingRow, upgradeRows, websocketRow } from "./rows-transports.ts";
import { type Place, reasonOf } from "./visit.ts";

export interface ExamineOptions {
  /** As clients are given it; its path is the prefix that Fanfare is reached under. */
  readonly url: string;
  readonly token: string | undefined;
  /** A page's, to see whether it may connect. */
  readonly origin: string | undefined;
  /** How long silence is tried; undefined for as long as clients may be silent. */
  readonly idleMs: number | undefined;
  readonly nodes: readonly ListedNode[] | undefined;
}

/** What the idle row takes at most: nodes bear no longer a probe. */
const idleMsMax = 60_000;

/** Looks at a server as its clients see it, one finding after another. Never rejects: what cannot be looked at is a finding. */
export async function* examine({ url, token, origin, idleMs, nodes }: ExamineOptions): AsyncGenerator<Finding> {
  const asked = new URL(url.replace(/^ws/, "http"));
  const path = `${asked.pathname.replace(/\/+$/, "").replace(/\/socket\.io$/, "")}/socket.io/`;
  const tls = await tlsRow({ origin: asked.origin, path, verify: true });
  yield tls;
  if (tls.fault === "tls-cut") return;
  const place: Place = { origin: asked.origin, path, verify: tls.verdict !== "fault" };

  const reached = await pathRow(place).catch((error: unknown) => reasonOf(error));
  if (typeof reached === "string") {
    const says = `Nobody answers at ${asked.origin}: ${reached}.`;
    yield {
      row: "path",
      verdict: "fault",
      fault: "unreachable",
      says,
      todo: "Look at DNS, firewalls, and whether the balancer runs.",
    };
    return;
  }
  yield reached.finding;
  yield clockRow(reached.answer, reached.sentMs);
  const handshake = handshakeIn(reached.answer.text);
  if (handshake === undefined) return;

  const polling = await pollingRow(place, token);
  yield polling;
  const websocket = await websocketRow(place);
  yield websocket;
  // It begins with polling. Before all others, whose load would be in its round trip.
  if (polling.verdict === "good") yield* await upgradeRows(place, token);
  // Side by side: most of it is waiting.
  const spread = spreadRows(place, token, nodes);
  const others = [
    attempt("cors", () => corsRow(place, origin)),
    attempt("body", () => bodyRow(place, token)),
    attempt("buffering", () => bufferingRow(place)),
    attempt("idle", () => {
      const most = Math.min(idleMs ?? handshake.pingInterval + handshake.pingTimeout, idleMsMax);
      return idleRow(place, most, handshake, websocket.verdict === "good");
    }),
  ];
  yield* await spread;
  for (const finding of others) yield await finding;
}

/** A row that could not be looked at is a fault of its own: everything before it has worked. */
async function attempt(row: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    return {
      row,
      verdict: "fault",
      fault: "no-answer",
      says: reasonOf(error),
      todo: "Try again; then look at the balancer's log.",
    };
  }
}
