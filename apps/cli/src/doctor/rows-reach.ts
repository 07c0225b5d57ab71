import { connect } from "node:tls";
import type { Finding } from "../findings.ts";
import { handshakeIn } from "./poller.ts";
import { type Answer, type Place, reasonOf, visit } from "./visit.ts";

const handshakeMs = 10_000;
/** A renewal that has not come by then has failed. */
const expiryDaysMin = 14;
/** What one second of resolution in `Date` and a slow answer can make of clocks that agree. */
const skewSecondsMin = 3;
const skewSecondsMax = 30;

const chainHelp =
  "Serve the whole chain: the certificate, then each intermediate (nginx: the fullchain file as ssl_certificate).";
/** Node's codes for what is wrong with a certificate. */
const certificateFaults: Readonly<Record<string, readonly [fault: string, says: string, todo: string]>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["tls-chain", "The chain is cut: the intermediate certificate is not sent.", chainHelp],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["tls-chain", "The chain does not end at an authority that is known here.", chainHelp],
  SELF_SIGNED_CERT_IN_CHAIN: [
    "tls-authority",
    "The chain ends at an authority that is not known here.",
    "If it is a private one, give clients its certificate, and this command too (NODE_EXTRA_CA_CERTS).",
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "tls-authority",
    "The certificate is signed by itself.",
    "Use one of an authority that clients know.",
  ],
  CERT_HAS_EXPIRED: ["tls-expired", "The certificate has expired.", "Renew it."],
  ERR_TLS_CERT_ALTNAME_INVALID: ["tls-name", "The certificate is for another name.", "Use one that names this host."],
};

/** The certificate as a client sees it, or that there is none. */
export function tlsRow(place: Place): Promise<Finding> {
  const { protocol, hostname, port } = new URL(place.origin);
  const row = "tls";
  if (protocol === "http:") {
    const local = /^(localhost|127\.|\[::1\])/.test(hostname);
    if (local) return Promise.resolve({ row, verdict: "skipped", says: "Not asked for, and this machine is not left." });
    const says = "No TLS: tokens and publications can be read on their way.";
    return Promise.resolve({ row, verdict: "warning", fault: "no-tls", says, todo: "End TLS at the balancer and use https." });
  }
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    const name = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    const socket = connect({ host, port: Number(port || 443), ...name, rejectUnauthorized: false });
    const timer = setTimeout(() => socket.destroy(new Error("no TLS handshake within 10 s")), handshakeMs);
    const tell = (finding: Omit<Finding, "row">) => {
      clearTimeout(timer);
      resolve({ row, ...finding });
      socket.destroy();
    };
    socket.once("secureConnect", () => {
      const { authorizationError } = socket;
      const code =
        authorizationError instanceof Error && "code" in authorizationError
          ? String(authorizationError.code)
          : String(authorizationError ?? "");
      const [fault, says, todo] = certificateFaults[code] ?? [
        "tls-certificate",
        `The certificate is refused: ${code}.`,
        "Look at it with openssl s_client.",
      ];
      if (code !== "") return tell({ verdict: "fault", fault, says, todo });
      const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / 86_400_000);
      const good = `${socket.getProtocol()}, the chain is complete, valid for ${days} days.`;
      if (days >= expiryDaysMin) return tell({ verdict: "good", says: good });
      tell({
        verdict: "warning",
        fault: "tls-expires",
        says: `The certificate ends in ${days} days.`,
        todo: "See why it was not renewed.",
      });
    });
    socket.once("error", (error) => {
      const plain = /wrong version number|packet length too long/i.test(error.message);
      const says = plain ? "This port speaks no TLS." : `TLS is cut before it stands: ${reasonOf(error)}.`;
      const todo = plain
        ? "End TLS here (nginx: listen 443 ssl), or use http://."
        : "Look at the balancer's log; middleboxes cut what they do not know.";
      tell({ verdict: "fault", fault: "tls-cut", says, todo });
    });
  });
}

/** Whether Socket.IO answers where it was looked for. Rejects when nobody answers at all. */
export async function pathRow(
  place: Place,
): Promise<{ readonly finding: Finding; readonly answer: Answer; readonly sentMs: number }> {
  const row = "path";
  const sentMs = Date.now();
  const ask = (path: string) => visit(place, { path, query: { EIO: "4", transport: "polling" } });
  const answer = await ask(place.path);
  const found = (finding: Omit<Finding, "row">) => ({ finding: { row, ...finding }, answer, sentMs });
  if (answer.status === 200 && handshakeIn(answer.text) !== undefined) {
    return found({ verdict: "good", says: `Socket.IO answers at ${place.path}` });
  }
  const { status, text, headers } = answer;
  const by = headers.server === undefined ? "" : ` by ${headers.server}`;
  if (status >= 300 && status < 400) {
    const says = `The request is sent on to ${headers.location ?? "elsewhere"}, where clients do not follow.`;
    return found({ verdict: "fault", fault: "redirect", says, todo: "Give clients the final address." });
  }
  if (status === 502 || status === 504 || (status === 503 && !text.startsWith("{"))) {
    const todo = "See that nodes run and that the balancer's health checks (/readyz on the peer port) reach them.";
    return found({ verdict: "fault", fault: "no-node", says: `The balancer has no node to send this to: ${status}${by}.`, todo });
  }
  if (status === 404 && /^\{.*"NOT_FOUND"/.test(text)) {
    const says = `The balancer hands ${place.path} on as it is; nodes only know /socket.io/.`;
    const todo =
      "Take the prefix off in the balancer (nginx: proxy_pass http://fanfare/socket.io/; HAProxy: http-request replace-path).";
    return found({ verdict: "fault", fault: "path-prefix", says, todo });
  }
  const atRoot = place.path === "/socket.io/" ? undefined : await ask("/socket.io/").catch(() => undefined);
  if (atRoot !== undefined && handshakeIn(atRoot.text) !== undefined) {
    const says = `Nothing of ours at ${place.path} (${status}${by}), but at /socket.io/.`;
    return found({
      verdict: "fault",
      fault: "path-prefix",
      says,
      todo: `Use ${place.origin}, or route ${place.path} to the nodes.`,
    });
  }
  const says = `${place.path} is answered ${status}${by}, not by Socket.IO: ${JSON.stringify(text.slice(0, 60))}`;
  const todo = "Route /socket.io/ to the nodes; when they are reached under a prefix, give the URL with it.";
  return found({ verdict: "fault", fault: status === 404 ? "path-prefix" : "no-handshake", says, todo });
}

/** By the `Date` of an answer, which may be the balancer's. */
export function clockRow({ headers, endMs }: Answer, sentMs: number): Finding {
  const row = "clock";
  const theirs = Date.parse(headers.date ?? "");
  if (Number.isNaN(theirs)) return { row, verdict: "skipped", says: "Answers have no Date." };
  // `Date` is cut to its second: half of one is what it lacks on average.
  const skew = (theirs + 500 - (sentMs + endMs / 2)) / 1_000;
  const size = Math.abs(skew);
  if (size < skewSecondsMin) return { row, verdict: "good", says: "The server's clock and this machine's agree within 3 s." };
  const says = `The server's clock is ${size.toFixed(0)} s ${skew > 0 ? "ahead of" : "behind"} this machine's.`;
  const todo = "Set both by NTP: tokens are judged by iat and exp, publications are dated by the server.";
  return { row, verdict: size > skewSecondsMax ? "fault" : "warning", fault: "clock-skew", says, todo };
}
