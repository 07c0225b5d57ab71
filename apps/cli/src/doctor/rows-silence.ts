import WebSocket from "ws";
import type { Finding } from "../findings.ts";
import type { Handshake } from "./poller.ts";
import { type Place, reasonOf, visit } from "./visit.ts";

/** Between the beginning and the end of an answer that shows whether something holds it back. */
const bufferMs = 1_200;
/** What an answer may be late, of the silence that was asked for. */
const graceMs = 8_000;

/** Whether what a node has begun to say is handed on at once. */
export async function bufferingRow(place: Place): Promise<Finding> {
  const row = "buffering";
  const { status, firstMs, endMs, text } = await visit(place, { query: { transport: "probe", silentMs: String(bufferMs) } });
  if (status !== 200 || !text.startsWith("begin")) return notProbed(row, status);
  if (endMs - firstMs > bufferMs / 2) return { row, verdict: "good", says: "What a node says is handed on at once." };
  const says =
    "A proxy keeps answers until they are complete: what slow clients have not read piles up in it, and no limit sees it.";
  return { row, verdict: "fault", fault: "buffering", says, todo: "Switch it off for /socket.io/ (nginx: proxy_buffering off)." };
}

/** How long connections may be silent, by http and by websocket at once. `idleMs` 0: not looked at. */
export async function idleRow(
  place: Place,
  idleMs: number,
  { pingInterval, pingTimeout }: Handshake,
  websockets: boolean,
): Promise<Finding> {
  const row = "idle";
  if (idleMs === 0) return { row, verdict: "skipped", says: "Not looked at, with --idle 0." };
  const [http, websocket] = await Promise.all([
    silentAnswer(place, idleMs),
    websockets ? silentWebsocket(place, idleMs) : undefined,
  ]);
  if (http.refused !== undefined) return notProbed(row, http.refused);
  const cuts = [
    { kind: "An answer", ...http },
    { kind: "A websocket", ...websocket },
  ].filter(({ cutMs }) => cutMs !== undefined);
  const [worst] = cuts.sort((a, b) => (a.cutMs ?? 0) - (b.cutMs ?? 0));
  const most = (pingInterval + pingTimeout) / 1_000;
  const seconds = (idleMs / 1_000).toFixed(0);
  if (worst?.cutMs === undefined) {
    const short = idleMs < pingInterval + pingTimeout ? ` (clients may be silent for ${most.toFixed(0)} s)` : "";
    return { row, verdict: "good", says: `${seconds} s of silence are borne${short}.` };
  }
  const says = `${worst.kind} that is silent is cut after ${(worst.cutMs / 1_000).toFixed(1)} s; pings come every ${pingInterval / 1_000} s, and silence of ${most.toFixed(0)} s is no fault yet.`;
  const todo = `Give the balancer's idle time-outs ${2 * most} s (nginx: proxy_read_timeout; HAProxy: timeout tunnel, server and client).`;
  return { row, verdict: "fault", fault: "idle-timeout", says, todo };
}

interface Silence {
  /** When it was cut, if it was. */
  readonly cutMs?: number | undefined;
  /** The status of an answer that was none of a node's. */
  readonly refused?: number | undefined;
}

async function silentAnswer(place: Place, silentMs: number): Promise<Silence> {
  const startedMs = performance.now();
  try {
    const answer = await visit(place, {
      query: { transport: "probe", silentMs: String(silentMs) },
      timeoutMs: silentMs + graceMs,
    });
    if (answer.text.endsWith("end\n")) return {};
    // A gateway time-out says what it is.
    if (answer.cut || answer.status === 504) return { cutMs: answer.endMs };
    return { refused: answer.status };
  } catch (error) {
    const afterMs = performance.now() - startedMs;
    if (afterMs > silentMs) throw new Error(`a silent answer: ${reasonOf(error)}`);
    return { cutMs: afterMs };
  }
}

function silentWebsocket({ origin, path, verify }: Place, silentMs: number): Promise<Silence> {
  const url = `${origin.replace(/^http/, "ws")}${path}?transport=probe&silentMs=${silentMs}`;
  return new Promise((resolve) => {
    let openedMs: number | undefined;
    let ended = false;
    const socket = new WebSocket(url, { rejectUnauthorized: verify, perMessageDeflate: false });
    const timer = setTimeout(() => socket.terminate(), silentMs + graceMs);
    socket.once("open", () => {
      openedMs = performance.now();
    });
    socket.once("message", () => {
      ended = true;
    });
    // Closing follows, and says it all.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(ended || openedMs === undefined ? {} : { cutMs: performance.now() - openedMs });
    });
  });
}

function notProbed(row: string, status: number): Finding {
  return {
    row,
    verdict: "skipped",
    says: `The node answers no probe (${status}): it may have an older version, or too many probes.`,
  };
}
