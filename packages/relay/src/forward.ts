import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@fanfare/domain";
import { endToEnd, forwardedHeaders } from "./headers.ts";
import { connectMs, type PeerAgents, requestPeer } from "./peer.ts";

/**
 * - `forwarded`    the owner's answer went back to the client
 * - `aborted`      the client gave up; so does the owner now
 * - `broken`       the owner's answer ended in the middle, and so did the client's
 * - `unreachable`  the owner gave no answer: nothing has been written, the caller has to
 * - `refused`      the owner has another secret: nothing has been written
 */
export type ForwardOutcome = "forwarded" | "aborted" | "broken" | "unreachable" | "refused";

export interface ForwardOptions {
  readonly peerUrl: string;
  readonly secret: string;
  readonly agents: PeerAgents;
  readonly clock: Pick<Clock, "after">;
}

/** Sends one polling request on to its owner and the answer back, both as streams. Never rejects. */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { peerUrl, secret, agents, clock }: ForwardOptions,
): Promise<ForwardOutcome> {
  return new Promise((resolve) => {
    if (response.destroyed) {
      resolve("aborted");
      return;
    }
    let outgoing: ClientRequest;
    try {
      outgoing = requestPeer(new URL(peerUrl), agents, {
        method: request.method,
        path: request.url,
        headers: forwardedHeaders(request, secret),
      });
    } catch {
      // An address or a header that Node refuses to dial or to write: nothing has been sent.
      resolve("unreachable");
      return;
    }
    limitConnecting(outgoing, clock);
    // A client that gives up a poll gives it up at the owner too, or the owner would answer into the void.
    const abort = (): void => {
      if (response.writableFinished) return;
      outgoing.destroy();
      resolve("aborted");
    };
    response.once("close", abort);
    const giveBack = (outcome: ForwardOutcome): void => {
      response.off("close", abort);
      request.unpipe(outgoing);
      resolve(outcome);
    };
    outgoing.on("error", () => {
      if (response.destroyed) resolve("aborted");
      else if (!response.headersSent) giveBack("unreachable");
      else {
        response.destroy();
        resolve("broken");
      }
    });
    outgoing.once("response", (answer) => {
      if (answer.statusCode === 401) {
        answer.resume();
        giveBack("refused");
        return;
      }
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.rawHeaders));
      answer.pipe(response);
      answer.once("error", () => {
        response.destroy();
        resolve("broken");
      });
      response.once("finish", () => resolve("forwarded"));
    });
    if (request.method === "GET") outgoing.end();
    else request.pipe(outgoing);
  });
}

/** Only the connecting has a limit: a poll waits for news as long as the owner lets it. */
function limitConnecting(outgoing: ClientRequest, clock: Pick<Clock, "after">): void {
  outgoing.once("socket", (socket) => {
    if (!socket.connecting) return;
    const callOff = clock.after(connectMs, () => socket.destroy(new Error("the peer does not accept a connection")));
    socket.once("connect", callOff);
    socket.once("close", callOff);
  });
}
