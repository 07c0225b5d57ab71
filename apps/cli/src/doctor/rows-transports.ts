import { io, type Socket } from "socket.io-client";
import WebSocket from "ws";
import type { Finding } from "../findings.ts";
import { BadAnswer, Poller } from "./poller.ts";
import { type Place, reasonOf } from "./visit.ts";

const openMs = 10_000;
const echoes = 10;

const upgradeHelp =
  "Pass upgrades on. nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade (infra/nginx).";

/** A session that polls: every request over a connection of its own. */
export async function pollingRow(place: Place, token: string | undefined): Promise<Finding> {
  const row = "polling";
  try {
    const startedMs = performance.now();
    const poller = await Poller.open(place);
    await poller.connect(token);
    await poller.request("echo", "doctor");
    await poller.close();
    return { row, verdict: "good", says: `A session, and an answer, in ${(performance.now() - startedMs).toFixed(0)} ms.` };
  } catch (error) {
    const lost = error instanceof BadAnswer && error.answer.status === 400;
    const says = `A client that polls is lost: ${reasonOf(error)}`;
    if (!lost)
      return { row, verdict: "fault", fault: "polling", says, todo: "Look at the log of the balancer, then of the nodes." };
    return { row, verdict: "fault", fault: "not-forwarded", says, todo: forwardHelp };
  }
}

export const forwardHelp =
  "A request that reaches another node has to be forwarded: give all nodes the same FANFARE_CLUSTER_SECRET, and let them reach each other's FANFARE_PEER_URL.";

/** A session that begins with a websocket. */
export function websocketRow({ origin, path, verify }: Place): Promise<Finding> {
  const row = "websocket";
  const url = `${origin.replace(/^http/, "ws")}${path}?EIO=4&transport=websocket`;
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = new WebSocket(url, { handshakeTimeout: openMs, rejectUnauthorized: verify, perMessageDeflate: false });
    const timer = setTimeout(
      () => fault("The websocket opens, but nothing comes through it.", "Look for a proxy that buffers."),
      openMs,
    );
    const end = (finding: Omit<Finding, "row">) => {
      clearTimeout(timer);
      resolve({ row, ...finding });
      socket.terminate();
    };
    const fault = (says: string, todo = upgradeHelp) => end({ verdict: "fault", fault: "websocket-upgrade", says, todo });
    socket.once("message", () => end({ verdict: "good", says: `Open in ${(performance.now() - startedMs).toFixed(0)} ms.` }));
    socket.once("unexpected-response", (_request, { statusCode = 0 }) => {
      if (statusCode === 429 || statusCode === 503) fault(`Refused with ${statusCode} for now.`, "Try again in a moment.");
      else fault(`The upgrade to a websocket is lost on the way: ${statusCode} instead of 101.`);
    });
    socket.on("error", (error) => fault(`No websocket: ${reasonOf(error)}.`));
  });
}

/** What the stock client does by default: it begins with polling and moves to a websocket. Then the round trip over it. */
export async function upgradeRows({ origin, path, verify }: Place, token: string | undefined): Promise<Finding[]> {
  const socket = io(origin, {
    path,
    auth: token === undefined ? {} : { token },
    transports: ["polling", "websocket"],
    reconnection: false,
    forceNew: true,
    rejectUnauthorized: verify,
  });
  // Listened for from the beginning: an upgrade may fail before the namespace is there.
  const upgrading = upgrades(socket);
  try {
    await happens(socket);
    const upgraded = await upgrading;
    const good: Finding = { row: "upgrade", verdict: "good", says: "A session that polls moves to a websocket." };
    const says = "A session that polls stays with polling: it works, at several times the cost.";
    const bad: Finding = { row: "upgrade", verdict: "fault", fault: "websocket-upgrade", says, todo: upgradeHelp };
    return [upgraded ? good : bad, await roundTripRow(socket)];
  } catch (error) {
    const says = `A stock client does not connect: ${reasonOf(error)}`;
    return [
      { row: "upgrade", verdict: "fault", fault: "connect", says, todo: "See the rows above; a token is given with --token." },
    ];
  } finally {
    socket.disconnect();
  }
}

function happens(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("not connected within 10 s")), openMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once("connect_error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

function upgrades({ io: { engine } }: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), openMs);
    const end = (yes: boolean) => {
      clearTimeout(timer);
      resolve(yes);
    };
    engine.once("upgrade", () => end(true));
    engine.once("upgradeError", () => end(false));
    engine.once("close", () => end(false));
  });
}

async function roundTripRow(socket: Socket): Promise<Finding> {
  const row = "round trip";
  const times: number[] = [];
  for (let n = 0; n < echoes; n++) {
    const startedMs = performance.now();
    await socket.timeout(openMs).emitWithAck("echo", n);
    times.push(performance.now() - startedMs);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1);
  const { name } = socket.io.engine.transport;
  return { row, verdict: "good", says: `${at(0.5)} ms in the middle, ${at(1)} ms at worst, of ${echoes} by ${name}.` };
}
